"""What may help against each cause, in a sentence with commands to type."""

from volant.monitoring.alert_model import Alert

# Texts and commands by turns.
_ACTIONS: dict[str, tuple[str, ...]] = {
    "performance": ("Train a challenger: ", "volant retrain", "; or go back to the version before: ", "volant rollback", "."),
    "errors": ("See which rows it raises on: ", "volant monitor show", "; the version before serves at once: ", "volant rollback", "."),
    "unusable answers": (
        "Look at the newest answers: ",
        "volant monitor show",
        "; the version before serves at once: ",
        "volant rollback",
        ".",
    ),
    "live data": ("Ask whoever sends these rows what changed; each broken rule is counted by ", "volant monitor show", "."),
    "labels": ("Look whether labels are still exported, and add them: ", "volant labels add FILE", "."),
    "drift": ("Let a challenger learn from the newest rows: ", "volant retrain", "."),
    "skew": ("Compare the features of training with those of live rows: ", "volant monitor show", "."),
    "data contract": ("Repair the source, or change its contract; which rule breaks says ", "volant data validate", "."),
    "training": ("Read what went wrong, and try again: ", "volant retrain", "."),
    "settings": ("Correct volant.yaml; the line is named by ", "volant config validate", "."),
    "rollout taken back": ("Read why on the page of the rollout; the champion before it serves.",),
    "rollout undecided": ("Decide by hand: ", "volant promote", " or ", "volant rollback", "."),
    "rollout waits": ("Let it go on or take it back: ", "volant approve", " or ", "volant rollback", "."),
}


def action_of(alert: Alert) -> str:
    """What to do next, as a sentence."""
    return "".join(text for text, _ in action_parts(alert))


def action_parts(alert: Alert) -> list[tuple[str, bool]]:
    """The parts of the sentence, and whether each is a command."""
    parts = _ACTIONS.get(alert.cause, ("Look at what was seen: ", f"volant alerts show {alert.number}", "."))
    return [(part, place % 2 == 1) for place, part in enumerate(parts)]
