"""params_init against every module of torch.nn that can hold parameters.

The classes are found by walking torch.nn: one that the next PyTorch adds is tested, or
fails here until ARGUMENTS builds it. A test of a class goes through its variants. A
sentinel in every element shows any that was missed.
"""

import contextlib
import copy
import functools
import inspect
import itertools
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from d2ltorch import InitReport, params_init

SENTINEL = 1232.0  # exact in every floating-point type
ARGUMENTS = {  # what to pass for a required argument, by its name; otherwise 4
    "bias": True,
    "cutoffs": [2, 4],
    "decoder_layer": nn.TransformerDecoderLayer(4, 2, 16),
    "encoder_layer": nn.TransformerEncoderLayer(4, 2, 16),
    "in_features": 32,
    "mode": "LSTM",
    "n_classes": 8,
    "normalized_shape": (4, 5),
    "num_groups": 2,
    "unflattened_size": (2, 2),
    "lower": 0.1,
}
ALSO = {  # arguments that have a default, but a large one, or none that works
    *("d_model", "nhead", "dim_feedforward", "num_decoder_layers"),
    *("num_encoder_layers", "output_size"),
}
# Every class is built once more with each of these that its constructor knows.
SWITCHES = (
    *("add_bias_kv", "affine", "bias", "bidirectional", "elementwise_affine"),
    *("head_bias", "track_running_stats"),
)
VARIANTS = {key: [True, False] for key in SWITCHES} | {
    "dtype": [torch.float16, torch.bfloat16, torch.float64, torch.complex64],
    "groups": [2],
    "kdim": [5],
    "num_parameters": [3],
    "padding_idx": [2],
    "proj_size": [2],
}
CLASSES = {
    name: cls
    for name, cls in sorted(vars(nn).items())
    if inspect.isclass(cls) and issubclass(cls, nn.Module)
}


def arguments_of(cls: type[nn.Module]) -> dict[str, inspect.Parameter]:
    known = dict(inspect.signature(cls).parameters)
    if "args" in known and issubclass(cls, nn.RNNBase):  # RNN(*args, **kwargs)
        known |= inspect.signature(nn.RNNBase).parameters
        del known["mode"]
        if cls is not nn.LSTM:
            del known["proj_size"]  # which torch refuses
    return known


def build(name: str, **variant: object) -> nn.Module:
    for parameter in arguments_of(CLASSES[name]).values():
        needed = parameter.default is parameter.empty or parameter.name in ALSO
        if needed and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            variant.setdefault(parameter.name, ARGUMENTS.get(parameter.name, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated classes, nested tensors
        return CLASSES[name](**variant)


def catalogue() -> dict[str, list[dict]]:
    """Keyword arguments of every variant that holds parameters, by class."""
    cases = {}
    for name, cls in CLASSES.items():
        known = arguments_of(cls)
        variants = [{k: v} for k in VARIANTS if k in known for v in VARIANTS[k]]
        for variant in [{}, *variants]:
            if any(True for _ in build(name, **variant).parameters()):
                cases.setdefault(name, []).append(variant)
    return cases


CASES = catalogue()
READY = {name: variants for name, variants in CASES.items() if "Lazy" not in name}


@contextlib.contextmanager
def told(name: str, variant: dict):
    """Build a variant, spoil it, and name it if what is done with it fails."""
    try:
        yield spoil(build(name, **variant))
    except BaseException as error:
        error.add_note(f"of {name}({variant})")
        raise


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    lazy = nn.UninitializedParameter | nn.UninitializedBuffer
    tensors = model.state_dict().items()
    return {name: tensor for name, tensor in tensors if not isinstance(tensor, lazy)}


def spoil(model: nn.Module) -> nn.Module:
    """Put the sentinel into every element of every parameter and running statistic."""
    for tensor in state(model).values():
        tensor.fill_(SENTINEL)
    return model


def bits(model: nn.Module) -> dict[str, torch.Tensor]:
    """All state, to be compared bit for bit."""
    return {name: tensor.clone() for name, tensor in state(model).items()}


def assert_same_bits(model: nn.Module, before: dict[str, torch.Tensor]) -> None:
    after = state(model)
    assert after.keys() == before.keys()
    for name, old in before.items():
        assert torch.equal(after[name], old), name


def initialise(model: nn.Module, **options: object) -> InitReport:
    options.setdefault("generator", torch.Generator().manual_seed(0))
    return params_init(model, nn.init.normal_, std=0.02, **options)


def assert_initialised(model: nn.Module) -> None:
    for name, parameter in model.named_parameters():
        assert not (parameter == SENTINEL).any(), f"{name} was missed, at least in part"
        assert parameter.isfinite().all(), name


def assert_table(model: nn.Module) -> None:
    """Each parameter has the values that go with its role."""
    for path, module in model.named_modules():
        norm = "Norm" in type(module).__name__
        for key, parameter in module.named_parameters(recurse=False):
            where = f"{path}.{key}"
            if "bias" in key or norm or isinstance(module, nn.PReLU):
                value = 0 if "bias" in key else 1 if norm else 0.25
                assert (parameter == value).all(), where
            else:
                padding = getattr(module, "padding_idx", None)
                rows = torch.tensor([row != padding for row in range(len(parameter))])
                assert (parameter[rows] != 0).all(), where
                assert (parameter.abs() < 0.2).all(), where
                assert (parameter[~rows] == 0).all(), where
        if norm and getattr(module, "running_mean", None) is not None:
            assert (module.running_mean == 0).all() and (module.running_var == 1).all()
            assert module.num_batches_tracked == 0


def test_the_walk_finds_every_class_that_holds_parameters() -> None:
    assert len(CASES) >= 46
    names = "Linear LSTM Transformer LazyConv3d AdaptiveLogSoftmaxWithLoss"
    assert set(names.split()) <= CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_a_class_is_initialised_by_role_or_refused_unchanged(name) -> None:
    for variant in CASES[name]:
        with told(name, variant) as model:
            before = bits(model)
            if name not in READY:
                with pytest.raises(ValueError, match=r"\(Lazy\w+\) .*one forward pass"):
                    initialise(model)
                assert_same_bits(model, before)
                continue
            report = initialise(model)
            assert_initialised(model)
            assert_table(model)
            assert report.values == sum(p.numel() for p in model.parameters())
            names = [name for name, _ in model.named_parameters()]
            assert [row[0] for row in report.rows] == names


@pytest.mark.parametrize("name", READY)
def test_a_class_frozen_or_there_twice_or_built_on_meta(name) -> None:
    for variant in READY[name]:
        with told(name, variant) as model:
            before = bits(model.requires_grad_(False))
            report = initialise(model)
            assert_same_bits(model, before)
            assert report.values == 0
            assert {row[2] for row in report.rows} == {"frozen, left alone"}

            model.requires_grad_(True)
            report = initialise(nn.ModuleDict({"a": model, "b": nn.Sequential(model)}))
            initialise(alone := build(name, **variant))
            assert_same_bits(model, bits(alone))  # written, and drawn for, only once
            own = len(list(model.parameters()))
            for row, twin in zip(report.rows[own:], report.rows[:own], strict=True):
                assert twin[3] and row[3] == 0
                assert row[2].startswith(f"tied to {twin[0]}")

            there = copy.deepcopy(model).to("meta")
            with pytest.raises(ValueError, match=r"meta device: call model\.to_empty"):
                initialise(there)
            initialise(there.to_empty(device="cpu"))
            assert_same_bits(there, bits(alone))


def test_what_a_weight_is_made_from_is_refused_unless_initialised_before() -> None:
    """In every class: parametrizations, and the hooks that went before them."""
    cut = functools.partial(prune.random_unstructured, amount=0.5)
    new = [parametrizations.weight_norm, parametrizations.spectral_norm]
    old = [nn.utils.weight_norm, nn.utils.spectral_norm, cut]
    for name, how in itertools.product(
        READY, [*new, parametrizations.orthogonal, *old]
    ):
        with told(name, {}) as model, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old weight_norm, large orthogonal ones
            weight = getattr(model, "weight", None)
            if weight is not None and weight.dim() > 1 and "Norm" not in name:
                initialise(model)
                how(model, "weight")
                before = bits(model)
                with pytest.raises(ValueError, match="initialise before adding"):
                    initialise(model)
                assert_same_bits(model, before)
