"""Initialise a whole model by the role of each parameter, all or nothing.

`params_init` is the one public name here. `plan` (in roles.py) decides and checks;
`_stage` computes in spare memory whatever might still fail; `_write` writes what cannot
fail. Nothing of the model changes before `_write`.
"""

import contextlib
import copy
import functools
import hashlib
import inspect
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import ParametrizationList

from .report import InitReport
from .roles import Job, Rule, Rules, label, plan, takes_generator

# `_is_proved` can tell beforehand that one of these will not fail.
_PROVABLE = [
    getattr(nn.init, name)
    for name in """
        uniform_ normal_ trunc_normal_ constant_ ones_ zeros_ eye_ dirac_
        xavier_uniform_ xavier_normal_ kaiming_uniform_ kaiming_normal_
    """.split()  # noqa: SIM905
]
_LARGE = 1 << 16  # values; for fewer, a thread costs more than it saves


def params_init(
    model: nn.Module,
    init: Rule,
    *,
    generator: torch.Generator | None = None,
    by_name: bool = False,
    include_frozen: bool = False,
    rules: Rules | None = None,
    **kwargs: Any,
) -> InitReport:
    """Initialise every parameter of `model` by its role, or change nothing at all.

    ======================================================  =========================
    parameter                                               becomes
    ======================================================  =========================
    ``weight`` of a normalisation layer                     1
    named ``bias``, ``bias_...`` or ``..._bias``            0
    ``weight`` of `nn.PReLU`                                its first slope, 0.25
    any other with two or more dimensions                   ``init(weight, **kwargs)``
    ... of an embedding with a padding row                  the same, and that row 0
    anything else: a number, a vector, also one stretched   an error, unless `rules`
    to ``(1, C, 1, 1)`` and not named ``...weight...``      covers it
    ======================================================  =========================

    So each stacked weight of a recurrent layer or of attention is initialised as one
    tensor, which it is, and attention's ``bias_k`` and ``bias_v`` become 0.
    Normalisation layers also start their running statistics afresh (mean 0, variance
    1); no other buffer is touched. A tied parameter is written once. A frozen one
    (``requires_grad=False``) is left alone. A weight under `torch.nn.utils.parametrize`
    is set through the ``right_inverse`` of its parametrization.

    *All or nothing.* If this raises, all values of the model and the random stream are
    as before; Ctrl-C comes either before the first write or after the last. Functions
    of `torch.nn.init`, except ``orthogonal_`` and ``sparse_``, are tried on one and two
    values, after which they cannot fail: they write in place, without spare memory. Any
    other `init` may fail at its last call, so its results are all kept beside the model
    first: as much memory again as the parameters that it initialises.

    *Reproducible.* Values are drawn on the CPU (with a CUDA generator: there), then
    copied to where the parameter is, so that a seed gives the same model on every
    device. With `generator` the global CPU stream is neither used nor changed.

    Args:
        model: the module. Lazy layers have run once; after ``meta`` comes ``to_empty``.
        init: writes into the tensor that it is given, which has two or more dimensions:
            a function of `torch.nn.init`, or your own.
        generator: drawn from instead of the global stream; `init` must then take
            ``generator=``.
        by_name: each parameter's values depend only on its name and on the seed that
            `generator` (or the global stream) was last given, so that adding a layer
            changes no other. Large parameters are then filled on
            `torch.get_num_threads()` cores; their values do not depend on how many.
        include_frozen: initialise frozen parameters as well.
        rules: your own rule for some parameters, before the table. A key is a name, or
            the end of names after a dot (``"scale"`` for ``"block.0.scale"``), or a
            type of module, for all its own parameters; the first key that fits counts.
            A value is called like `init`, but without `kwargs`, and with ``generator=``
            only if it takes that; None leaves the parameter alone.
        **kwargs: passed on to `init`.

    Returns:
        What was done to each parameter: print it, or show it in a notebook.

    Raises:
        ValueError: a parameter cannot be initialised; the message says which, why, and
            what to do.
        TypeError: an argument is of the wrong kind, or `init` does not accept it.
        Exception: whatever your own `init` or rule raises.

    Example:
        >>> net = nn.Sequential(nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 10))
        >>> g = torch.Generator().manual_seed(0)
        >>> report = params_init(net, nn.init.normal_, std=0.01, generator=g)

    From the lesson "Parameters".
    """
    _check_arguments(model, init, generator, by_name, rules or {}, kwargs)
    stream = generator or torch.default_generator
    source = _Source(generator, stream.initial_seed() if by_name else None)
    before = stream.get_state()
    with torch.inference_mode(False), torch.no_grad():
        try:
            jobs, report = plan(model, init, kwargs, rules or {}, include_frozen)
            scratch = _stage(jobs, source)
        except BaseException:
            stream.set_state(before)
            raise
        with _uninterrupted():
            try:
                _write(jobs, source, scratch)
            except Exception as error:  # such as no memory for a function's own needs
                error.add_note("params_init was writing: part of the model is new.")
                raise
    return report


def _check_arguments(model, init, generator, by_name, rules, kwargs) -> None:
    def check(fits: bool, what: str, value: object, wanted: str) -> None:
        if not fits:
            raise TypeError(
                f"params_init: {what} is a {type(value).__name__}, not {wanted}."
            )

    check(isinstance(model, nn.Module), "model", model, "a Module")
    check(callable(init), "init", init, "a function")
    fits = isinstance(generator, torch.Generator | None)
    check(fits, "generator", generator, "a torch.Generator")
    for key, rule in rules.items():
        is_type = isinstance(key, type) and issubclass(key, nn.Module)
        fits = isinstance(key, str) or is_type
        check(fits, f"key {key!r} of rules", key, "a name or a type of Module")
        fits = callable(rule) or rule is None
        check(fits, f"the rule for {key!r}", rule, "a function or None")
    try:
        inspect.signature(init).bind(None, **kwargs)
    except ValueError:
        pass  # written in C without a signature: only a call will tell
    except TypeError as error:
        raise TypeError(
            f"params_init: {label(init)} cannot be called so: {error}."
        ) from None
    if (generator or by_name) and not takes_generator(init):
        raise TypeError(
            f"params_init: {label(init)} takes no generator: "
            "leave out generator= and by_name=."
        )


@dataclass(frozen=True)
class _Source:
    """Where random values come from: one stream, or one for each name."""

    generator: torch.Generator | None
    seed: int | None  # given if by name

    @property
    def device(self) -> torch.device:
        return self.generator.device if self.generator else torch.device("cpu")

    def stream(self, name: str) -> torch.Generator | None:
        if self.seed is None:
            return self.generator
        # A CPU generator uses only 32 bits of its seed: they must mix seed and name.
        # The chance that two of n parameters get one stream is about n**2 / 2**33.
        digest = hashlib.blake2b(f"{self.seed} {name}".encode(), digest_size=4).digest()
        return torch.Generator(self.device).manual_seed(int.from_bytes(digest, "big"))

    def reaches(self, target: Tensor) -> bool:
        """Whether values can be drawn where the parameter is.

        Others are drawn in contiguous scratch memory, so that the values depend neither
        on the device nor on the strides.
        """
        return target.device == self.device and target.is_contiguous()


def _fill(job: Job, tensor: Tensor, generator: torch.Generator | None) -> None:
    if not callable(job.fill):
        tensor.fill_(job.fill)
    elif generator is not None and job.takes_generator:
        job.fill(tensor, generator=generator, **job.kwargs)
    else:
        job.fill(tensor, **job.kwargs)
    for row in job.padding:
        tensor[row].zero_()


# ---- stage: what might fail is done in spare memory ----------------------------------


class _Unfit(Exception):
    """What an initialiser or a parametrization must not do."""


def _stage(jobs: list[Job], source: _Source) -> Tensor:
    """Stage the jobs that can fail; return the scratch memory that the others need."""
    proved: dict[tuple, bool] = {}
    scratch = 0
    for job in jobs:
        target = job.target
        chained = isinstance(target, ParametrizationList)
        if not chained and not callable(job.fill):
            continue
        if not chained:
            case = (id(job.fill), target.dim(), target.dtype)
            if case not in proved:
                proved[case] = _is_proved(job, source)
            if proved[case]:
                if not source.reaches(target):
                    scratch = max(scratch, target.nbytes)
                continue
        try:
            with _stand_in(generator := source.stream(job.use.name)):
                if chained:
                    job.staged = _stage_chain(job, generator, source.device)
                else:
                    new = _draw(job, target, generator, source.device)
                    job.staged = [(target, new)]
        except Exception as error:
            of_torch = getattr(job.fill, "__module__", None) == nn.init.__name__
            if of_torch or isinstance(error, _Unfit):
                raise ValueError(
                    f"params_init: {label(job.fill)} cannot initialise {job.use}: "
                    f"{str(error).rstrip('.')}. Nothing was changed."
                ) from error
            error.add_note(f"Raised while initialising {job.use}. Nothing was changed.")
            raise
    return torch.empty(scratch, dtype=torch.uint8, device=source.device)


def _is_proved(job: Job, source: _Source) -> bool:
    """Whether trying this fill on one and on two values shows that it cannot fail.

    What these functions refuse is: too few dimensions; a bad argument; a bound that the
    type cannot hold, and no shape has a larger one than (1, ..., 1). A single value is
    filled by other code than several: hence two tries.
    """
    function = job.fill
    while (
        isinstance(function, functools.partial) and "generator" not in function.keywords
    ):
        function = function.func
    if not any(function is provable for provable in _PROVABLE):
        return False
    one = (1,) * job.target.dim()
    trial = {}
    if source.generator and job.takes_generator:
        trial["generator"] = torch.Generator(source.device)
    try:
        with torch.random.fork_rng(devices=[]):
            for shape in (one, (2, *one[1:])) if one else (one,):
                tensor = torch.empty(
                    shape, dtype=job.target.dtype, device=source.device
                )
                job.fill(tensor, **trial, **job.kwargs)
    except Exception:
        return False  # `_stage` will meet the error again, and say for which parameter
    return True


def _draw(job: Job, old: Tensor, generator, device) -> Tensor:
    """Run the initialiser on a copy of the old values."""
    new = old.detach().to(device, copy=True, memory_format=torch.contiguous_format)
    unwritten = new._version + len(job.padding)
    _fill(job, new, generator)
    if new._version == unwritten or new.shape != old.shape:
        raise _Unfit(
            "it did not write into the tensor it was given (write in place, under "
            "torch.no_grad() and not through .data)."
        )
    return new


def _stage_chain(job: Job, generator, device) -> list[tuple[Tensor, Tensor]]:
    """Run the initialiser, then the inverse of the parametrization, on a CPU copy."""
    chain = copy.deepcopy(job.target).cpu().eval()
    value = new = _draw(job, chain(), generator, device).cpu()
    for step in reversed(chain):
        if not hasattr(step, "right_inverse"):
            raise _Unfit(f"{type(step).__name__} has no right_inverse: give it one.")
        value = step.right_inverse(value)
        if isinstance(step, _SpectralNorm) and value.dim() > 1:
            # Its singular vectors are those of the old weight: find the new ones.
            fresh = _SpectralNorm(value, step.n_power_iterations, step.dim, step.eps)
            step.load_state_dict(fresh.state_dict())
    copies = []
    for number, part in enumerate([value] if chain.is_tensor else value):
        name = "original" if chain.is_tensor else f"original{number}"
        copies.append((getattr(job.target, name), part))
        getattr(chain, name).copy_(part)
    for step, done in zip(job.target, chain, strict=True):
        for name, buffer in step.named_buffers(recurse=False):
            copies.append((buffer, getattr(done, name)))
    if any(to.shape != part.shape for to, part in copies):
        raise _Unfit("right_inverse does not keep the shapes.")
    if new.isfinite().all() and not chain().isfinite().all():
        raise _Unfit("the parametrized weight would not be finite.")
    return copies


@contextlib.contextmanager
def _stand_in(generator: torch.Generator | None) -> Iterator[None]:
    """Keep the global CPU stream out of it when a generator is given.

    Whatever draws from the global stream all the same (the mask of `sparse_`, the
    parametrization `orthogonal`) draws from one that follows from `generator`.
    """
    if generator is None:
        yield
        return
    twin = torch.Generator(generator.device)
    twin.set_state(generator.get_state())
    seed = torch.randint(2**31, (), generator=twin, device=twin.device).item()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


# ---- write: what cannot fail ---------------------------------------------------------


def _write(jobs: list[Job], source: _Source, scratch: Tensor) -> None:
    large = []
    for job in jobs:
        target = job.target
        if job.staged is not None:
            for to, new in job.staged:
                to.copy_(new)
        elif not callable(job.fill):
            target.fill_(job.fill)
        elif not source.reaches(target):
            new = scratch[: target.nbytes].view(target.dtype).view(target.shape)
            _fill(job, new, source.stream(job.use.name))
            target.copy_(new)
        elif source.seed is not None and target.numel() >= _LARGE:
            large.append(job)
        else:
            _fill(job, target, source.stream(job.use.name))

    def fill(job: Job) -> None:
        with torch.no_grad():  # grad mode belongs to the thread
            _fill(job, job.target, source.stream(job.use.name))

    large.sort(key=lambda job: -job.target.numel())  # the longest first
    try:
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            done = pool.map(fill, large)
    except RuntimeError:  # no thread to be had: the same values, one by one
        done = map(fill, large)
    for _ in done:  # raises what a fill raised
        pass


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done (it reaches only the main thread)."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or handler is None:
        yield
        return
    held = []
    signal.signal(
        signal.SIGINT, lambda *signal_and_frame: held.append(signal_and_frame)
    )
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if held and callable(handler):
            handler(*held[0])
