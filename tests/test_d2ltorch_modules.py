"""params_init against every module of torch.nn that can hold parameters.

The classes are found by walking torch.nn: one that the next PyTorch adds is tested, or
fails here until ARGUMENTS can build it. A sentinel in every element shows any that was
missed. The random models of test_d2ltorch_random.py are made of the same cases.
"""

import copy
import importlib
import inspect
import pkgutil
import warnings

import pytest
import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrizations, prune

from d2ltorch import InitReport, params_init

SENTINEL = 1232.0  # exact in every floating-point type
ARGUMENTS = {  # what to pass for a required argument, by its name
    "bias": True,
    "cutoffs": [2, 4],
    "d_model": 8,
    "decoder_layer": nn.TransformerDecoderLayer(8, 2, 16),
    "dim0": 1,
    "dim1": 2,
    "downscale_factor": 2,
    "dim_feedforward": 16,
    "embed_dim": 8,
    "embedding_dim": 6,
    "encoder_layer": nn.TransformerEncoderLayer(8, 2, 16),
    "groups": 2,
    "hidden_size": 6,
    "in1_features": 3,
    "in2_features": 4,
    "in_channels": 4,
    "in_features": 32,
    "input_size": 4,
    "kernel_size": 3,
    "lower": 0.1,
    "max_norm": 1.0,
    "min_val": 0.0,
    "mode": "LSTM",
    "n_classes": 8,
    "nhead": 2,
    "norm_type": 2.0,
    "normalized_shape": (4, 5),
    "num_channels": 4,
    "num_chunks": 4,
    "num_classes": 5,
    "num_decoder_layers": 1,
    "num_embeddings": 7,
    "num_encoder_layers": 1,
    "num_features": 4,
    "num_groups": 2,
    "num_heads": 2,
    "num_layers": 2,
    "out_channels": 6,
    "out_features": 5,
    "output_size": 2,
    "padding": 1,
    "size": 3,
    "threshold": 0.5,
    "unflattened_size": (2, 2),
    "upper": 0.3,
    "upscale_factor": 2,
    "value": 0.5,
    "dim": 1,
}
# These have a default, but a large one.
ALSO = {"d_model", "nhead", "dim_feedforward"}
ALSO |= {"num_decoder_layers", "num_encoder_layers"}
# Every class is built once more with each of these that its constructor knows.
VARIANTS = {
    "add_bias_kv": [True],
    "affine": [True, False],
    "bidirectional": [True],
    "bias": [False],
    "dtype": [torch.float16, torch.bfloat16, torch.float64, torch.complex64],
    "elementwise_affine": [False],
    "groups": [2],
    "head_bias": [True],
    "kdim": [5],
    "num_parameters": [3],
    "padding_idx": [2],
    "proj_size": [2],
    "track_running_stats": [True, False],
}
IMPOSSIBLE = {("RNN", "proj_size"), ("GRU", "proj_size")}  # torch refuses to build them


def walk() -> dict[str, type[nn.Module]]:
    """Every public module class in torch.nn and in the files of torch.nn.modules."""
    spaces = [nn]
    for info in pkgutil.iter_modules(nn.modules.__path__):
        spaces.append(importlib.import_module(f"torch.nn.modules.{info.name}"))
    return {
        cls.__name__: cls
        for space in spaces
        for cls in vars(space).values()
        if inspect.isclass(cls)
        and issubclass(cls, nn.Module)
        and not cls.__name__.startswith("_")
        and cls.__module__.startswith("torch.nn.modules.")
    }


def arguments_of(cls: type[nn.Module]) -> dict[str, inspect.Parameter]:
    known = dict(inspect.signature(cls).parameters)
    if "args" in known and issubclass(cls, nn.RNNBase):  # RNN(*args, **kwargs)
        known |= inspect.signature(nn.RNNBase).parameters
        del known["mode"]
    return known


def build(name: str, **variant: object) -> nn.Module:
    cls = walk()[name]
    for parameter in arguments_of(cls).values():
        needed = parameter.default is parameter.empty or parameter.name in ALSO
        needed |= parameter.name == "output_size" and "Fractional" in name
        if needed and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            if parameter.name not in ARGUMENTS:
                raise AssertionError(
                    f"torch.nn.{name} needs {parameter.name!r}: add it to ARGUMENTS "
                    "in tests/test_d2ltorch_modules.py."
                )
            variant.setdefault(parameter.name, ARGUMENTS[parameter.name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated classes, nested tensors
        return cls(**variant)


def catalogue() -> list[tuple[str, dict]]:
    """(class name, keyword arguments) of every case that holds parameters."""
    cases = []
    for name, cls in sorted(walk().items()):
        known = arguments_of(cls)
        variants = [{k: v} for k in VARIANTS if k in known for v in VARIANTS[k]]
        for variant in [{}, *variants]:
            if not any((name, key) in IMPOSSIBLE for key in variant):
                module = build(name, **variant)
                if any(True for _ in module.parameters()):
                    cases.append((name, variant))
    return cases


CASES = catalogue()
READY = [case for case in CASES if not case[0].startswith("Lazy")]


def case_name(case: tuple[str, dict]) -> str:
    return f"{case[0]}({','.join(f'{k}={v}' for k, v in case[1].items())})"


def spoil(model: nn.Module) -> None:
    """Put the sentinel into every element of every parameter and running statistic."""
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            if not is_lazy(tensor):
                tensor.fill_(SENTINEL)


def bits(model: nn.Module) -> dict[str, torch.Tensor]:
    """All state, to be compared bit for bit."""
    return {
        name: tensor.detach().clone()
        for name, tensor in model.state_dict(keep_vars=True).items()
        if not is_lazy(tensor)
    }


def assert_same_bits(model: nn.Module, before: dict[str, torch.Tensor]) -> None:
    after = bits(model)
    assert after.keys() == before.keys()
    for name, old in before.items():
        new = after[name].flatten()
        assert new.dtype == old.dtype
        assert torch.equal(new.view(torch.uint8), old.flatten().view(torch.uint8)), name


def initialise(model: nn.Module, **options: object) -> InitReport:
    options.setdefault("generator", torch.Generator().manual_seed(0))
    return params_init(model, nn.init.normal_, std=0.02, **options)


def assert_initialised(model: nn.Module) -> None:
    for name, parameter in model.named_parameters():
        assert not (parameter == SENTINEL).any(), f"{name} was missed, at least in part"
        assert parameter.isfinite().all(), name


def test_the_walk_finds_every_class_that_holds_parameters() -> None:
    names = {name for name, _ in CASES}
    assert len(names) >= 46
    assert {
        "Linear",
        "LSTM",
        "Transformer",
        "LazyConv3d",
        "AdaptiveLogSoftmaxWithLoss",
    } <= names


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_initialised_to_the_last_element_or_refused_unchanged(case) -> None:
    model = build(case[0], **case[1])
    spoil(model)
    before = bits(model)
    if any(is_lazy(tensor) for tensor in model.parameters()):
        with pytest.raises(ValueError, match=r"\(Lazy\w+\) .*run one forward pass"):
            initialise(model)
        assert_same_bits(model, before)
        return
    report = initialise(model)
    assert_initialised(model)
    assert report.values == sum(p.numel() for p in model.parameters())
    assert [row.name for row in report.rows] == [n for n, _ in model.named_parameters()]


@pytest.mark.parametrize("case", READY, ids=case_name)
def test_values_follow_the_table(case) -> None:
    model = build(case[0], **case[1])
    spoil(model)
    initialise(model)
    for path, module in model.named_modules():
        norm = "Norm" in type(module).__name__
        for key, parameter in module.named_parameters(recurse=False):
            where = f"{path}.{key}"
            if "bias" in key:
                assert (parameter == 0).all(), where
            elif norm:
                assert (parameter == 1).all(), where
            elif isinstance(module, nn.PReLU):
                assert (parameter == 0.25).all(), where
            else:
                rows = [True] * len(parameter)
                if getattr(module, "padding_idx", None) is not None:
                    rows[module.padding_idx] = False
                assert (parameter[rows] != 0).all() and (parameter.abs() < 0.2).all(), (
                    where
                )
                assert (parameter[[not row for row in rows]] == 0).all(), where
        if norm and getattr(module, "running_mean", None) is not None:
            assert (module.running_mean == 0).all() and (module.running_var == 1).all()
            assert module.num_batches_tracked == 0


@pytest.mark.parametrize("case", READY, ids=case_name)
def test_frozen_parameters_are_left_alone_unless_asked(case) -> None:
    model = build(case[0], **case[1]).requires_grad_(False)
    spoil(model)
    before = bits(model)
    report = initialise(model)
    assert_same_bits(model, before)
    assert report.values == 0
    assert {row.rule for row in report.rows} == {"frozen, left alone"}
    initialise(model, include_frozen=True)
    assert_initialised(model)
    assert not any(p.requires_grad for p in model.parameters())


PLAIN = [case for case in READY if "dtype" not in case[1]]


@pytest.mark.parametrize("how", ["weight_norm", "spectral_norm", "orthogonal"])
@pytest.mark.parametrize("case", PLAIN, ids=case_name)
def test_parametrized_weights_are_set_through_their_parametrization(case, how) -> None:
    model, plain = build(case[0], **case[1]), build(case[0], **case[1])
    weights = [
        (path, module, key)
        for path, module in model.named_modules()
        for key, parameter in list(module.named_parameters(recurse=False))
        if parameter.dim() > 1 and "bias" not in key and not hasattr(module, "eps")
    ]
    for _, module, key in weights:
        getattr(parametrizations, how)(module, key)
    spoil(model)
    before = bits(model)
    if how == "weight_norm" and "padding_idx" in case[1]:  # a zero row has no direction
        with pytest.raises(ValueError, match=r"weight \(\w+\): .*not be finite"):
            initialise(model)
        assert_same_bits(model, before)
        return
    initialise(model, by_name=True)
    initialise(plain, by_name=True)
    assert_initialised(model.eval())
    for path, module, key in weights:
        new = getattr(module, key).detach()
        drawn = plain.get_submodule(path).get_parameter(key)
        if how == "weight_norm":
            torch.testing.assert_close(new, drawn)
        elif how == "spectral_norm":  # the vectors fit the new weight: its norm is 1
            front = (
                1 if "ConvTranspose" in type(plain.get_submodule(path)).__name__ else 0
            )
            norm = torch.linalg.matrix_norm(new.transpose(0, front).flatten(1), ord=2)
            assert 0.99 < norm < 1.2
            scale = (new * drawn).sum() / (drawn * drawn).sum()
            torch.testing.assert_close(new, scale * drawn)
        else:
            product = new.mT @ new if new.shape[-2] >= new.shape[-1] else new @ new.mT
            one = torch.eye(product.shape[-1]).expand_as(product)
            torch.testing.assert_close(product, one, atol=1e-5, rtol=0)


@pytest.mark.parametrize("case", PLAIN, ids=case_name)
def test_weights_recomputed_by_old_hooks_are_refused(case) -> None:
    for how in (
        nn.utils.weight_norm,
        nn.utils.spectral_norm,
        prune.random_unstructured,
    ):
        model = build(case[0], **case[1])
        if not isinstance(getattr(model, "weight", None), nn.Parameter):
            return
        if model.weight.dim() < 2 or case[0] == "LayerNorm":
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # old weight_norm
            how(
                model,
                "weight",
                **({"amount": 0.5} if how.__module__.endswith("prune") else {}),
            )
        before = bits(model)
        with pytest.raises(ValueError, match=r"weight_(g|v|orig) \(.*remove the hook"):
            initialise(model)
        assert_same_bits(model, before)


def test_one_refused_module_leaves_a_model_of_all_the_others_unchanged() -> None:
    """All the modules nested in one model; then one lazy layer at the very end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = nn.ModuleList(nn.ModuleList([build(n, **v)]) for n, v in READY)
    spoil(model)
    initialise(model)
    assert_initialised(model)
    before = bits(model)
    model.append(nn.LazyLinear(2))
    with pytest.raises(ValueError, match="LazyLinear"):
        initialise(model)
    del model[-1]
    assert_same_bits(model, before)


@pytest.mark.parametrize("case", READY, ids=case_name)
def test_a_shared_module_is_written_once(case) -> None:
    module = build(case[0], **case[1])
    model = nn.ModuleDict({"a": module, "b": nn.ModuleList([module])})
    versions = {p: p._version for p in model.parameters()}
    report = initialise(model)
    own = len(versions)
    assert all(row.values for row in report.rows[:own])
    for row, twin in zip(report.rows[own:], report.rows[:own], strict=True):
        assert (row.rule, row.values) == (f"tied to {twin.name}", 0)
    padded = "padding_idx" in case[1]  # the padding row is one more write
    assert all(p._version == old + 1 + padded for p, old in versions.items())


@pytest.mark.parametrize("case", READY, ids=case_name)
def test_a_model_built_on_meta_gets_the_same_values(case) -> None:
    here = build(case[0], **case[1])
    model = copy.deepcopy(here).to("meta")
    with pytest.raises(ValueError, match=r"on the meta device: call model.to_empty"):
        initialise(model)
    model.to_empty(device="cpu")
    initialise(model)
    initialise(here)
    assert_same_bits(model, bits(here))
