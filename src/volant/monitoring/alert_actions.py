"""What may help against each cause, in a sentence and a command to type."""

from volant.monitoring.alert_model import Alert

_ACTIONS = {
    "performance": "Train a challenger: volant retrain; or go back to the version before: volant rollback.",
    "errors": "See which rows the model raises on: volant monitor show; the version before serves at once: volant rollback.",
    "unusable answers": "Look at the newest answers: volant monitor show; the version before serves at once: volant rollback.",
    "live data": "Ask whoever sends these rows what changed; volant monitor show counts each broken rule.",
    "labels": "Look whether labels are still exported, and add them: volant labels add FILE.",
    "drift": "Let a challenger learn from the newest rows: volant retrain.",
    "skew": "Compare the features of training with those of live rows: volant monitor show.",
    "data contract": "Repair the source, or change its contract: volant data validate says which rule breaks.",
    "training": "Read what went wrong, and try again: volant retrain.",
    "settings": "Correct volant.yaml: volant config validate names the line.",
    "rollout taken back": "Read why on the rollout's page; the champion before it serves.",
    "rollout undecided": "Decide by hand: volant promote or volant rollback.",
    "rollout waits": "Let it go on or take it back: volant approve or volant rollback.",
}
_OTHERWISE = "Look at what was seen: volant alerts show."


def action_of(alert: Alert) -> str:
    """What to do next."""
    return _ACTIONS.get(alert.cause, _OTHERWISE)
