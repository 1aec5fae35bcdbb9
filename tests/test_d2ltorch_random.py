"""params_init on random models (hypothesis), made of the cases of the torch.nn walk.

Nested, shared, tied, frozen and parametrized in any mixture: what holds for each module
alone must hold for all of them together.
"""

import warnings

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_d2ltorch_modules import (
    READY,
    SENTINEL,
    assert_same_bits,
    bits,
    build,
    initialise,
    spoil,
)
from torch import nn
from torch.nn.utils import parametrizations

from d2ltorch import tied_parameters

quick = settings(max_examples=60, deadline=None, derandomize=True)
leaves = st.sampled_from(READY)


@st.composite
def models(draw: st.DrawFn) -> nn.Module:
    """A tree of modules, some of them in it twice, some weights one Parameter."""
    built = []
    for name, variant in draw(st.lists(leaves, min_size=1, max_size=6)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = build(name, **variant)
        weight = getattr(module, "weight", None)
        if (
            draw(st.booleans())
            and name in ("Linear", "Conv2d")
            and "dtype" not in variant
        ):
            parametrizations.spectral_norm(module)
        elif draw(st.booleans()) and isinstance(weight, nn.Parameter):
            twin = build(name, **variant)
            twin.weight = weight
            built.append(twin)
        module.requires_grad_(draw(st.sampled_from([True, True, False])))
        built.append(module)
    built += draw(st.lists(st.sampled_from(built), max_size=2))  # the same once more
    while len(built) > 1:
        count = draw(st.integers(2, len(built)))
        box = nn.ModuleDict({f"m{i}": m for i, m in enumerate(built[:count])})
        built = [box, *built[count:]] if draw(st.booleans()) else [*built[count:], box]
    return built[0]


@quick
@given(models())
def test_every_element_is_written_or_the_parameter_reported_as_left_alone(
    model,
) -> None:
    spoil(model)
    before = bits(model)
    report = initialise(model)
    rules = {row.name: row.rule for row in report.rows}
    assert len(rules) == len(report.rows)
    untouched = {name for name, rule in rules.items() if rule == "frozen, left alone"}
    frozen = 0
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert not (parameter == SENTINEL).any(), name
            assert parameter.isfinite().all(), name
        else:
            frozen += 1
            assert torch.equal(parameter, before[name]), name
    assert (frozen > 0) == bool(untouched)
    if not any("parametrizations" in name for name, _ in model.named_parameters()):
        written = [p for p in model.parameters() if p.requires_grad]
        assert report.values == sum(p.numel() for p in written)


@quick
@given(models(), st.booleans(), st.integers(0, 2**62))
def test_the_same_seed_gives_the_same_model_and_leaves_the_global_stream(
    model, by_name, seed
) -> None:
    results = []
    for _ in range(2):
        state = torch.get_rng_state()
        generator = torch.Generator().manual_seed(seed)
        report = initialise(model, generator=generator, by_name=by_name)
        assert torch.equal(torch.get_rng_state(), state)
        results.append((bits(model), str(report)))
        torch.rand(1)
    assert results[0][1] == results[1][1]
    assert_same_bits(model, results[0][0])


@quick
@given(models(), models())
def test_by_name_a_model_does_not_depend_on_what_stands_beside_it(one, other) -> None:
    initialise(nn.ModuleDict({"one": one}), by_name=True)
    alone = bits(one)
    initialise(nn.ModuleDict({"zero": other, "one": one}), by_name=True)
    assert_same_bits(one, alone)


@quick
@given(models(), st.integers(0, 3))
def test_one_bad_layer_anywhere_leaves_everything_unchanged(model, place) -> None:
    spoil(model)
    parts = [model, nn.Linear(2, 2), nn.BatchNorm1d(2)]
    parts.insert(place, nn.LazyLinear(2))
    before = bits(nn.ModuleList(parts))
    try:
        initialise(nn.ModuleList(parts))
    except ValueError as error:
        assert f"{place}.weight (LazyLinear)" in str(error)
    else:
        raise AssertionError("the lazy layer was accepted")
    assert_same_bits(nn.ModuleList(parts), before)


@quick
@given(models())
def test_ties_in_the_report_are_those_of_tied_parameters(model) -> None:
    groups = [g for g in tied_parameters(model) if "parametrizations" not in g[0]]
    rows = [row for row in initialise(model).rows if row.rule.startswith("tied to ")]
    expected = {name: group[0] for group in groups for name in group[1:]}
    told = {row.name: row.rule.removeprefix("tied to ") for row in rows}
    chained = {name for name in told if name not in expected}
    assert told.items() >= expected.items()
    assert all(row.values == 0 for row in rows)
    for name in chained:  # a parametrized weight of a module that is there twice
        module = model.get_submodule(name.rpartition(".")[0])
        assert hasattr(module, "parametrizations")
