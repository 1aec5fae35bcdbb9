"""What one lesson of "Deep Learning Computation" defines and a later one needs.

`init` initialises a whole model, `report` prints what it did, `tied` tells which names
are one parameter, `device` finds GPUs and counts waits; `lesson.mplstyle` is the look.
"""

from .device import Waits, try_all_gpus, try_gpu
from .init import params_init
from .report import InitReport
from .tied import tied_parameters

__all__ = [
    "InitReport",
    "Waits",
    "params_init",
    "tied_parameters",
    "try_all_gpus",
    "try_gpu",
]
