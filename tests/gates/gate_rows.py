"""Gate settings and holdouts for the tests of this folder."""

import numpy as np

from volant.config.model import GateConfig, GateKind, Margin
from volant.gates.holdout import Holdout


def check(kind, **fields):
    return GateConfig(kind=GateKind(kind), **fields)


def share(value):
    return Margin(value=value, relative=True)


def rows(target, **fields):
    target = np.asarray(target)
    names = np.array([f"v1:{number}" for number in range(len(target))])
    return Holdout(names, fields.pop("times", np.arange(len(target))), target, **fields)
