"""When a disturbed project has nothing more to do."""

from promises import ENDS, events, rollouts


def training(root):
    """Whether a retrain is decided and nothing has come of it yet."""
    stream = events(root, "loop/tides")
    decided = sum(kind == "decided" and data["action"] == "retrain" for kind, data, _ in stream)
    return decided > sum(kind == "cycle_ended" for kind, _, _ in stream)


def on_its_way(root):
    """Whether a cycle or a rollout has not ended."""
    newest = next(reversed(rollouts(root).values()), None)
    return training(root) or (newest is not None and newest[-1][0] not in ENDS)


def come_to_rest(world):
    """Labels stop, and what is on its way ends with the traffic; the last labels may yet begin another turn."""
    world.stop_telling()
    world.patience = 3.0
    while True:
        world.until(lambda: not on_its_way(world.root))
        world.ask(go_on=False)
        world.until(lambda: settled(world) or on_its_way(world.root))
        if not on_its_way(world.root):
            return
        world.ask(go_on=True)


def settled(world):
    """Whether the server that decides says that nothing is to be done."""
    said = [server.status() for server in world.live()]
    return any(status.get("leads") and status.get("settled") for status in said)
