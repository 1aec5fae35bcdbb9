"""What params_init promises beyond covering torch.nn: all or nothing, reproducible.

In this order: what is refused, rules, errors, random streams, the report, the package.
"""

import doctest
import functools
import importlib
import re

import pytest
import torch
from test_d2ltorch_modules import (
    SENTINEL,
    assert_initialised,
    assert_same_bits,
    bits,
    initialise,
    spoil,
)
from torch import nn
from torch.nn.utils import parametrizations

import d2ltorch
from d2ltorch import params_init


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def lenet() -> nn.Sequential:
    convolution, norm = nn.Conv2d(1, 6, 5, bias=False), nn.BatchNorm2d(6)
    linear, last = nn.Linear(6, 8), nn.Linear(8, 3)
    return nn.Sequential(convolution, norm, nn.Flatten(), linear, nn.PReLU(), last)


class Own(nn.Module):
    """A module of one parameter, such as might be written tomorrow."""

    def __init__(self, key: str, *shape: int) -> None:
        super().__init__()
        self.register_parameter(key, nn.Parameter(torch.full(shape, SENTINEL)))


def rich_model() -> nn.Module:
    """Every kind of parameter: tied, frozen, padded, with statistics, with a rule."""
    embedding, tied = nn.Embedding(5, 4, padding_idx=1), nn.Linear(4, 5)
    tied.weight = embedding.weight
    frozen = nn.Linear(3, 2).requires_grad_(False)
    own = Own("scale", 3)
    return nn.Sequential(embedding, tied, lenet(), nn.LSTM(3, 4), frozen, own)


RULES = {"scale": nn.init.ones_}


def refused(
    model: nn.Module, match: str, init=nn.init.normal_, **options
) -> BaseException:
    """Initialise a BatchNorm and the model: an error, and nothing has changed."""
    error = options.pop("error", ValueError)
    pair = nn.Sequential(nn.BatchNorm1d(2), model)
    spoil(pair[0])
    stream = options.get("generator") or torch.default_generator
    before, state, outside = bits(pair), stream.get_state(), torch.get_rng_state()
    with pytest.raises(error, match=match) as caught:
        params_init(pair, init, **options)
    assert_same_bits(pair, before)
    assert torch.equal(stream.get_state(), state)
    assert torch.equal(torch.get_rng_state(), outside)
    text = str(caught.value)
    whole = text.startswith("params_init: ") and text.endswith(". Nothing was changed.")
    assert whole or error is not ValueError
    return caught.value


VECTORS = ["scale", "weight", "biased"]  # such as a normalisation of one's own
STRETCHED = [("temperature", ()), ("gamma", (1, 4)), ("token", (1, 1, 4))]
TABLE = ("relative_position_bias", (9, 4))  # not a bias


@pytest.mark.parametrize(
    ("key", "shape"), [*((key, (4,)) for key in VECTORS), *STRETCHED, TABLE]
)
def test_what_has_no_role_is_refused_and_the_remedy_mends_that_only(key, shape) -> None:
    error = refused(model := Own(key, *shape), rf"1\.{key} \(Own\) has no rule")
    rules = eval(re.search(r"rules=(\{.*?\})", str(error))[1])  # as a reader copies it
    initialise(pair := nn.Sequential(nn.Linear(2, 2), model), rules=rules)
    assert_initialised(pair)
    assert not (pair[0].weight == 1).any() and (pair[0].bias == 0).all()
    assert (model.get_parameter(key) == 1).all() or (key, shape) == TABLE


BIASES = {"bias": (1, 4, 1, 1), "bias_k": (1, 1, 4), "query_bias": (4,)}
WEIGHTS = {"relative_bias_table": (9, 4), "weight": (4, 1)}


@pytest.mark.parametrize("key", BIASES | WEIGHTS)
def test_parameters_of_ones_own_modules_go_by_name_and_shape(key) -> None:
    initialise(model := Own(key, *(BIASES | WEIGHTS)[key]))
    assert_initialised(model)
    assert ((model.get_parameter(key) == 0) == (key in BIASES)).all()


def test_the_message_names_the_other_refused_parameters_too() -> None:
    refused(nn.ParameterList([torch.ones(3, 3), torch.ones(3)]), r"1\.1 .*has no rule")
    error = refused(nn.Sequential(*(Own("s", 2) for _ in range(7))), r"1\.0\.s ")
    assert "Also refused: 1.1.s, 1.2.s, 1.3.s, 1.4.s and 2 more." in str(error)


def test_a_rule_fits_a_name_the_end_of_names_or_a_type_or_is_an_error() -> None:
    model = nn.ModuleDict({"a": Own("scale", 3), "ba": Own("scale", 3)})
    initialise(model, rules={"a.scale": nn.init.ones_, "scale": nn.init.zeros_})
    assert (model["a"].scale == 1).all() and (model["ba"].scale == 0).all()
    initialise(model, rules={Own: nn.init.ones_})
    assert (model["ba"].scale == 1).all()
    for key in ("scael", "cale", "0", nn.LSTM, 3):
        rules = {**RULES, key: nn.init.zeros_}
        refused(Own("scale", 3), "fits no parameter", rules=rules)


def test_a_rule_comes_before_the_roles_and_none_leaves_alone() -> None:
    spoil(model := lenet())
    model[3].requires_grad_(False)  # frozen, whatever the rules
    rules = {"5.bias": nn.init.ones_, "1.weight": None, nn.PReLU: None}
    report = initialise(model, rules=rules | {nn.Linear: nn.init.ones_})
    assert (model[5].bias == 1).all() and (model[5].weight == 1).all()
    left = [model[1].weight, *model[3].parameters(), model[4].weight]
    assert all((parameter == SENTINEL).all() for parameter in left)
    assert {row[0]: row[2] for row in report.rows}["1.weight"] == "left alone"
    assert (model[1].running_mean == SENTINEL).all()  # belongs to what was left alone
    assert report.statistics == ()


@pytest.mark.parametrize(
    ("raised", "error", "source"),
    [
        (ArithmeticError, ValueError, None),
        (KeyboardInterrupt, KeyboardInterrupt, generator()),
    ],
)
def test_an_initialiser_that_raises_changes_nothing(raised, error, source) -> None:
    calls = []

    def init(weight, last):
        calls.append(weight[: len(weight) // 2].normal_())
        if len(calls) == last:
            raise raised("half written")
        weight.normal_()

    options = {"rules": RULES, "generator": source}
    for last in range(1, 7):  # at any call
        calls.clear()
        refused(rich_model(), "half written", init, error=error, last=last, **options)
    params_init(rich_model(), init, last=0, **options)
    assert len(calls) == 12


@pytest.mark.parametrize(
    ("init", "why"),
    [
        (nn.init.dirac_, "dirac_: Only tensors with 3"),
        (functools.partial(nn.init.normal_, std=-1.0), r"normal_\(std=-1.0\): .*std"),
        (functools.partial(nn.init.normal_, bound=2), "unexpected .* 'bound'"),
        (nn.init.constant_, "missing .* 'val'"),
        (functools.partial(nn.init.constant_, val=float("nan")), "8 of 8 .* or NaN"),
        (lambda w: torch.randn_like(w), "<lambda> left 8 of 8 values unwritten"),
        (lambda w: w.resize_(8, 1).normal_(), "left 8 of 8"),
        (lambda w: w.mul_(0.5), "left 8 of 8"),  # the old values are not in it
        (lambda w: w[0].normal_(), "left 4 of 8"),
        (lambda w: w[1].normal_(), "left 4 of 8"),  # row 0 is written by padding only
    ],
)
def test_an_initialiser_that_fails_or_leaves_values_is_refused(init, why) -> None:
    match = rf"1\.weight \(Embedding\) .*{why}"
    refused(nn.Embedding(2, 4, padding_idx=0), match, init)


def test_tensors_that_cannot_be_written_are_refused() -> None:
    with torch.inference_mode():
        linear, norm = nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False)
    refused(linear, r"1\.weight \(Linear\) was made in inference mode")
    refused(norm, r"1\.running_mean \(BatchNorm1d\) was made in inference mode")
    refused(nn.LazyBatchNorm1d(affine=False), r"running_mean .*run one forward pass")
    with pytest.raises(ValueError, match=r"running_mean .*call model.to_empty"):
        initialise(nn.BatchNorm1d(2, affine=False, device="meta"))
    special = torch.ones(2, 2).as_subclass(type("Special", (torch.Tensor,), {}))
    for tensor in special, torch.zeros(1).expand(2, 2), torch.eye(2).to_sparse():
        model = nn.Linear(2, 2, bias=False)
        model.weight = nn.Parameter(tensor)
        with pytest.raises(
            ValueError, match=r"^params_init: weight .*is sparse, shard"
        ):
            initialise(model)
        assert initialise(model.requires_grad_(False)).values == 0


def test_parameters_that_only_share_memory_are_refused() -> None:
    for share in (lambda a: a.weight, lambda a: a.weight.T, lambda a: a.weight[:2]):
        pair = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
        pair[1].weight = nn.Parameter(share(pair[0]).detach())
        refused(pair, r"shares memory with 1\.0\.weight")
        pair[0].requires_grad_(False)  # to write the second would change the first
        refused(pair, r"shares memory")
        assert initialise(pair.requires_grad_(False)).values == 0
    flat = torch.zeros(18)  # neighbours in one piece of memory share nothing
    initialise(nn.ParameterList([flat[:9].view(3, 3), flat[9:].view(3, 3)]))
    assert (flat != 0).all()


def test_a_parametrized_weight_can_be_frozen_or_given_rules() -> None:
    model = parametrizations.weight_norm(nn.Linear(3, 3))
    rules = {"original0": nn.init.ones_, "original1": nn.init.normal_}
    initialise(model, rules=rules)
    torch.testing.assert_close(model.weight.norm(dim=1), torch.ones(3))
    model.parametrizations.requires_grad_(False)
    report = initialise(model)
    assert [row[2] for row in report.rows] == ["0", *["frozen, left alone"] * 2]


def test_arguments_of_the_wrong_kind_are_refused() -> None:
    def wrong(match, model=None, init=nn.init.normal_, **options):
        with pytest.raises(TypeError, match=f"params_init: {match}"):
            params_init(model or nn.Linear(2, 2), init, **options)

    wrong("model is a list, not a Module", [nn.Linear(2, 2)])
    wrong("init is a str, not a Callable", init="normal_")
    wrong("generator is a int, not a Generator", generator=0)
    wrong("rules is a int, not a dict", rules=3)
    refused(nn.ReLU(), r"0\.bias .*'int' object is not callable", rules={"bias": 0})


@pytest.mark.parametrize("source", [None, generator()], ids=["global", "own"])
def test_values_are_those_of_filling_by_hand_on_any_strides(source) -> None:
    model, stream = lenet(), source or torch.default_generator
    model[0] = nn.Conv2d(3, 4, 5).to(memory_format=torch.channels_last)
    stream.manual_seed(3)
    outside = torch.get_rng_state()
    initialise(model, generator=source)
    after = stream.get_state()
    assert source is None or torch.equal(torch.get_rng_state(), outside)
    stream.manual_seed(3)
    for weight in (model[0].weight, model[3].weight, model[5].weight):
        expected = torch.empty(weight.shape).normal_(std=0.02, generator=stream)
        assert torch.equal(weight, expected)
    assert torch.equal(stream.get_state(), after)


def test_even_what_knows_no_generator_draws_from_it() -> None:
    """Such as the mask of sparse_, or a rule of one's own."""
    models = [rich_model()[:3], rich_model()[:3]]
    rules = {"2.0.weight": lambda w: w.normal_()}
    for model in models:
        state = torch.get_rng_state()
        options = {"generator": generator(), "rules": rules}
        params_init(model, nn.init.sparse_, sparsity=0.5, **options)
        assert torch.equal(torch.get_rng_state(), state)
        torch.rand(7)
    assert_same_bits(models[0], bits(models[1]))


@pytest.mark.skipif(not torch.accelerator.is_available(), reason="no GPU here")
def test_every_device_gets_the_same_bits() -> None:
    here, there = rich_model(), rich_model().to(device := d2ltorch.try_gpu())
    there[4].load_state_dict(here[4].state_dict())  # frozen, so drawn by torch
    for model in (here, there):
        initialise(model, rules=RULES)
    assert_same_bits(there.cpu(), bits(here))
    with pytest.raises(TypeError, match="not the CPU"):
        initialise(here, generator=torch.Generator(device))


def test_parameters_stay_the_same_leaves_and_autograd_notices_the_write() -> None:
    model = nn.Linear(3, 3)
    parameters = list(model.parameters())
    loss = model(torch.ones(3)).pow(2).sum() + model.weight.pow(2).sum()
    for mode in (torch.no_grad, torch.enable_grad, torch.inference_mode):
        with mode():
            initialise(model)
    for parameter, old in zip(model.parameters(), parameters, strict=True):
        assert parameter is old and parameter.is_leaf and parameter.requires_grad
        assert parameter.grad is None and not parameter.is_inference()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_the_report_counts() -> None:
    """How it reads as a table is shown in the docstrings, below."""
    report = initialise(lenet())
    assert (report.values, report.statistics) == (246, ("1",))
    html = report._repr_html_()
    assert html.count("<tr>") == 9 and html.count('<th scope="col">') == 4
    two = str(initialise(nn.Sequential(nn.BatchNorm1d(1_000), nn.BatchNorm1d(2))))
    assert two.endswith("\n2,004 values written; running statistics of 2 layers reset.")
    assert str(initialise(nn.ReLU())).endswith("values\n0 values written.")


def test_the_report_says_what_is_tied_frozen_and_padded() -> None:
    model = rich_model()
    rules = {row[0]: row[2:] for row in initialise(model, rules=RULES).rows}
    assert rules["0.weight"] == ("normal_(std=0.02), row 1 is 0", 20)
    assert rules["1.weight"] == ("tied to 0.weight", 0)
    assert rules["4.weight"] == ("frozen, left alone", 0)
    assert rules["5.scale"] == ("ones_", 3)
    swapped = nn.Sequential(model[1], model[0])  # the embedding is the second name
    assert initialise(swapped).rows[-1][2] == "tied to 0.weight, row 1 is 0"
    assert (model[0].weight == 0).all(dim=1).tolist() == [0, 1, 0, 0, 0]


def test_the_report_fits_79_columns_and_has_no_addresses() -> None:
    model = lenet()
    for _ in range(20):
        model = nn.ModuleDict({"inner_module": model})
    report = params_init(model, lambda w, f: f(w), f=lambda w: w.normal_())
    text = str(report)
    assert all(len(line) == 79 for line in text.splitlines()[:-1])
    assert text.splitlines()[1].startswith("…")
    assert "0x" not in text and "<lambda>(f=function)" in text
    assert "<td>&lt;lambda&gt;(f=function)<td>150" in report._repr_html_()


@pytest.mark.parametrize("name", ["init", "report", "tied", "device"])
def test_the_examples_in_the_docstrings_hold(name) -> None:
    failed, tried = doctest.testmod(importlib.import_module(f"d2ltorch.{name}"))
    assert tried and not failed
