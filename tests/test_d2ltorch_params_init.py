"""What params_init promises beyond covering torch.nn: all or nothing, reproducible.

Each test is named for what it proves. Helpers come from test_d2ltorch_modules.py.
"""

import functools
import signal
import subprocess
import sys
import warnings

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
from torch.nn.utils import parametrizations, parametrize

import d2ltorch
import d2ltorch.init
from d2ltorch import params_init


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def lenet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, bias=False),
        nn.BatchNorm2d(6),
        nn.Flatten(),
        nn.Linear(6, 8),
        nn.PReLU(),
        nn.Linear(8, 3),
    )


class Own(nn.Module):
    """A module of one parameter, such as might be written tomorrow."""

    def __init__(self, key: str, *shape: int) -> None:
        super().__init__()
        self.register_parameter(key, nn.Parameter(torch.full(shape, SENTINEL)))


class Transposed(nn.Module):
    """A parametrization that cannot be inverted."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.mT


# ---- an unknown layer is never skipped in silence ------------------------------------


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("scale", (4,)),
        ("weight", (4,)),  # such as a normalisation layer of one's own
        ("temperature", ()),
        ("gamma", (1, 4)),  # vectors stretched for broadcasting
        ("gamma", (1, 4, 1, 1)),
        ("token", (1, 1, 4)),
        ("biased", (4,)),
    ],
)
def test_unknown_vectors_are_refused_by_name(key, shape) -> None:
    model = nn.Sequential(nn.Linear(2, 2), Own(key, *shape))
    before = bits(model)
    with pytest.raises(
        ValueError, match=rf"1\.{key} \(Own\) has no rule.*rules="
    ) as caught:
        initialise(model)
    assert_same_bits(model, before)
    rules = {key: nn.init.ones_}
    assert repr(rules).startswith("{" + repr(key)) and repr(key) in str(caught.value)
    initialise(model, rules=rules)
    assert (model[1].get_parameter(key) == 1).all()
    assert_initialised(model)


@pytest.mark.parametrize(
    ("key", "shape", "becomes"),
    [
        ("bias", (4,), 0),
        ("bias", (1, 4, 1, 1), 0),
        ("bias_k", (1, 1, 4), 0),
        ("query_bias", (4,), 0),
        ("relative_bias_table", (9, 4), None),
        ("anything", (4, 4), None),
        ("weight", (4, 1), None),
        ("w", (2, 4, 1), None),
    ],
)
def test_parameters_of_ones_own_modules_go_by_name_and_shape(
    key, shape, becomes
) -> None:
    model = Own(key, *shape)
    initialise(model)
    value = model.get_parameter(key)
    assert (value == becomes).all() if becomes is not None else (value != 0).all()
    assert_initialised(model)


def test_vectors_in_parameter_lists_and_dicts_are_refused() -> None:
    for model in (
        nn.ParameterList([torch.ones(3, 3), torch.ones(3)]),
        nn.ParameterDict({"a": torch.ones(3)}),
    ):
        with pytest.raises(ValueError, match="has no rule"):
            initialise(model)


# ---- rules of one's own --------------------------------------------------------------


def test_a_rule_fits_a_name_the_end_of_names_or_a_type() -> None:
    model = nn.ModuleDict({"a": Own("scale", 3), "ba": Own("scale", 3)})
    initialise(model, rules={"a.scale": nn.init.ones_, "scale": nn.init.zeros_})
    assert (model["a"].scale == 1).all() and (model["ba"].scale == 0).all()
    initialise(model, rules={Own: nn.init.ones_})
    assert (model["ba"].scale == 1).all()


def test_a_rule_comes_before_the_table_and_none_leaves_alone() -> None:
    model = lenet()
    spoil(model)
    rules = {"5.bias": nn.init.ones_, "1.weight": None, nn.PReLU: None}
    report = initialise(model, rules=rules)
    assert (model[5].bias == 1).all()
    assert (model[1].weight == SENTINEL).all() and (model[4].weight == SENTINEL).all()
    assert {r.name: r.rule for r in report.rows}["1.weight"] == "left alone"
    assert (model[1].running_mean == SENTINEL).all()  # belongs to what was left alone


def test_a_rule_gets_the_generator_if_it_takes_one() -> None:
    seen = []

    def rule(tensor, *, generator=None):
        seen.append(generator)
        nn.init.uniform_(tensor, generator=generator)

    initialise(Own("scale", 3), rules={"scale": rule}, generator=(g := generator()))
    assert seen == [g]


@pytest.mark.parametrize("key", ["scael", "cale", "0", nn.Linear])
def test_a_rule_that_fits_nothing_is_an_error(key) -> None:
    model = nn.Sequential(Own("scale", 3))
    with pytest.raises(ValueError, match="fits no parameter"):
        initialise(model, rules={"scale": nn.init.ones_, key: nn.init.zeros_})
    assert (model[0].scale == SENTINEL).all()


# ---- all or nothing ------------------------------------------------------------------


class Boom(Exception):
    pass


def rich_model() -> nn.Module:
    """Every kind of parameter: parametrized, tied, frozen, padded, with statistics."""
    model = nn.Sequential(
        nn.Embedding(5, 4, padding_idx=1),
        nn.Linear(4, 5),
        lenet(),
        nn.LSTM(3, 4),
        parametrizations.spectral_norm(nn.Linear(4, 3)),
        parametrizations.orthogonal(nn.Linear(4, 3)),
        nn.Linear(3, 2).requires_grad_(False),
        Own("scale", 3),
    )
    model[1].weight = model[0].weight
    return model


RULES = {"scale": nn.init.ones_}


@pytest.mark.parametrize("error", [Boom, KeyboardInterrupt, SystemExit])
def test_an_initialiser_that_raises_at_the_kth_call_changes_nothing(error) -> None:
    model = rich_model()
    before = bits(model)
    versions = [t._version for t in [*model.parameters(), *model.buffers()]]
    calls = 0

    def init(weight, k, generator=None):
        nonlocal calls
        weight[: len(weight) // 2].normal_(generator=generator)
        if (calls := calls + 1) == k:
            raise error("half written")
        weight.normal_(generator=generator)

    params_init(rich_model(), init, k=0, rules=RULES)
    total = calls
    assert total == 8
    for source in (None, generator(1)):
        stream = source or torch.default_generator
        for k in range(1, total + 1):
            calls, state = 0, stream.get_state()
            with pytest.raises(error, match="half written") as caught:
                params_init(model, init, k=k, rules=RULES, generator=source)
            assert calls == k
            assert_same_bits(model, before)
            assert versions == [
                t._version for t in [*model.parameters(), *model.buffers()]
            ]
            assert torch.equal(stream.get_state(), state)
            if error is Boom:
                assert "Nothing was changed" in caught.value.__notes__[0]


def test_an_own_rule_that_raises_changes_nothing() -> None:
    def rule(tensor):
        tensor.zero_()
        raise Boom

    model = rich_model()
    before = bits(model)
    with pytest.raises(Boom):
        initialise(model, rules={"scale": rule})
    assert_same_bits(model, before)


@pytest.mark.parametrize(
    ("init", "options"),
    [
        (nn.init.eye_, {}),  # not for the four axes of a convolution
        (nn.init.dirac_, {}),  # not for the two axes of a linear layer
        (nn.init.uniform_, {"a": 2.0, "b": 1.0}),
        (nn.init.normal_, {"std": -1.0}),
        (nn.init.trunc_normal_, {"std": 0.0}),
        (nn.init.constant_, {"val": 1e300}),
        (nn.init.kaiming_uniform_, {"nonlinearity": "gelu"}),
        (nn.init.xavier_uniform_, {"gain": float("nan")}),
        (nn.init.orthogonal_, {"gain": "large"}),
    ],
)
def test_a_failing_function_of_torch_changes_nothing_and_names_the_parameter(
    init, options
) -> None:
    model = lenet()
    before, state = bits(model), torch.get_rng_state()
    with pytest.raises(
        ValueError, match=rf"{init.__name__}.* cannot .* \d\.weight \(\w+\)"
    ):
        params_init(model, init, **options)
    assert_same_bits(model, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_function_that_fails_for_one_type_only_changes_nothing() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, dtype=torch.complex64))
    before = bits(model)
    with pytest.raises(ValueError, match=r"trunc_normal_ cannot initialise 1\.weight"):
        params_init(model, nn.init.trunc_normal_)
    assert_same_bits(model, before)


def test_what_is_proved_on_one_element_never_fails_on_more() -> None:
    """The promise behind writing in place, over shapes, types and odd arguments."""
    inf, nan = float("inf"), float("nan")
    odd = [-1.0, 0.0, 1.0, 3e4, 1e30, 1e300, inf, nan, "a", None]
    cases = {
        nn.init.normal_: [{"std": x} for x in odd] + [{"mean": x} for x in odd],
        nn.init.uniform_: [{"a": x, "b": y} for x in odd for y in odd],
        nn.init.trunc_normal_: [{"std": x} for x in odd]
        + [{"a": 2}, {"a": 9, "b": 11}],
        nn.init.constant_: [{"val": x} for x in [*odd, 1j, True]],
        nn.init.xavier_uniform_: [{"gain": x} for x in odd],
        nn.init.xavier_normal_: [{"gain": x} for x in odd],
        nn.init.kaiming_uniform_: [{"a": x} for x in odd] + [{"mode": "fan"}],
        nn.init.kaiming_normal_: [{"a": x} for x in odd] + [{"nonlinearity": "gelu"}],
        nn.init.dirac_: [{}, {"groups": 2}, {"groups": 0}],
        nn.init.eye_: [{}],
        nn.init.ones_: [{}],
        nn.init.zeros_: [{}],
    }
    assert set(cases) == set(d2ltorch.init._PROVABLE)
    types = [torch.float16, torch.bfloat16, torch.float32, torch.complex64]
    shapes = [
        (),
        (1,),
        (3,),
        (1, 1),
        (3, 2),
        (5, 1),
        (1, 7),
        (40, 30),
        (4, 2, 3),
        (6, 1, 2, 2),
        (2, 2, 1, 2, 2),
    ]
    source = d2ltorch.init._Source(None, None)
    outcomes = {True: 0, False: 0}
    for init, choices in cases.items():
        for options in choices:
            for dtype in types:
                for shape in shapes:
                    tensor = torch.empty(shape, dtype=dtype)
                    job = d2ltorch.roles.Job(
                        d2ltorch.roles.Use("", None, tensor), init, options
                    )
                    proved = d2ltorch.init._is_proved(job, source)
                    outcomes[proved] += 1
                    if proved:
                        init(tensor, **options)
    assert min(outcomes.values()) > 500


def test_ctrl_c_while_writing_in_place_waits_until_all_is_written(monkeypatch) -> None:
    fill, model = d2ltorch.init._fill, lenet()
    spoil(model)
    calls = []

    def interrupted(job, tensor, generator):
        if not calls:
            signal.raise_signal(signal.SIGINT)
        calls.append(job.use.name)
        fill(job, tensor, generator)

    monkeypatch.setattr(d2ltorch.init, "_fill", interrupted)
    handler = signal.default_int_handler  # a job in the background has none
    before = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            initialise(model)
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert calls == ["0.weight", "3.weight", "5.weight"]
    assert_initialised(model)


def test_an_error_while_writing_says_that_the_part_of_the_model_is_new(
    monkeypatch,
) -> None:
    def broken(*_):
        raise MemoryError

    monkeypatch.setattr(d2ltorch.init, "_fill", broken)
    with pytest.raises(MemoryError) as caught:
        initialise(lenet())
    assert "part of the model is new" in caught.value.__notes__[0]


def test_functions_of_torch_need_no_spare_memory_and_others_are_staged(
    monkeypatch,
) -> None:
    staged = []
    draw = d2ltorch.init._draw

    def spy(job, *arguments):
        staged.append(job.use.name)
        return draw(job, *arguments)

    monkeypatch.setattr(d2ltorch.init, "_draw", spy)
    initialise(lenet(), rules={"5.bias": nn.init.ones_})
    params_init(
        lenet(), functools.partial(nn.init.kaiming_normal_, nonlinearity="relu")
    )
    assert not staged
    params_init(lenet(), lambda w: w.normal_())
    assert staged == ["0.weight", "3.weight", "5.weight"]


@pytest.mark.parametrize(
    "init",
    [
        lambda w: torch.randn_like(w),
        lambda w: w.data.normal_(),
        lambda w: None,
        lambda w: w.resize_(4, 1),
    ],
    ids=["returns a new tensor", "writes through .data", "does nothing", "resizes"],
)
def test_an_initialiser_that_does_not_write_in_place_is_refused(init) -> None:
    for model in (
        nn.Linear(2, 2),
        nn.Embedding(3, 2, padding_idx=1),  # that row is written all the same
        parametrizations.orthogonal(nn.Linear(2, 2)),
    ):
        before = bits(model)
        with pytest.raises(ValueError, match=r"weight \(\w+\): it did not write into"):
            params_init(model, init)
        assert_same_bits(model, before)


# ---- what is refused before anything is written --------------------------------------


def refused(model: nn.Module, match: str, **options: object) -> None:
    model = nn.Sequential(nn.Linear(2, 2), model)
    before = bits(model)
    with pytest.raises(ValueError, match=match):
        initialise(model, **options)
    assert_same_bits(model, before)


def test_inference_tensors_are_refused() -> None:
    with torch.inference_mode():
        linear, norm = nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False)
    refused(linear, r"1\.weight \(Linear\) was made in inference mode")
    refused(norm, r"1\.running_mean \(BatchNorm1d\) was made in inference mode")


def test_statistics_on_meta_or_lazy_are_refused() -> None:
    refused(nn.LazyBatchNorm1d(affine=False), r"running_mean .*run one forward pass")
    with pytest.raises(ValueError, match=r"running_mean .*call model.to_empty"):
        initialise(nn.BatchNorm1d(2, affine=False, device="meta"))


def test_tensors_that_are_no_plain_memory_are_refused() -> None:
    class Special(torch.Tensor):
        pass

    model = nn.Linear(2, 2, bias=False)
    model.weight = nn.Parameter(torch.ones(2, 2).as_subclass(Special))
    refused(model, r"1\.weight \(Linear\) is a Special")
    model.weight = nn.Parameter(torch.zeros(1).expand(2, 2))
    refused(model, "is an expanded tensor")
    model.weight = nn.Parameter(torch.eye(2).to_sparse())
    with pytest.raises(ValueError, match="sparse"):
        initialise(model)
    model.weight = nn.Parameter(torch.ones(2, 2, dtype=torch.int8), requires_grad=False)
    refused(model, r"holds torch\.int8", include_frozen=True)
    assert initialise(model).values == 0


def test_parameters_that_only_share_memory_are_refused() -> None:
    for share in (
        lambda a: a.weight,
        lambda a: a.weight.T,
        lambda a: a.weight[:2],
        lambda a: a.weight[1:, 1:],
    ):
        first, second = nn.Linear(3, 3), nn.Linear(3, 3)
        second.weight = nn.Parameter(share(first).detach())
        pair = nn.Sequential(first, second)
        refused(pair, r"shares memory with 1\.0\.weight")
        first.requires_grad_(False)  # writing the second would change the frozen first
        refused(pair, r"shares memory")
        pair.requires_grad_(False)
        assert initialise(pair).values == 0


def test_neighbours_in_one_piece_of_memory_are_not_taken_for_shared() -> None:
    flat = torch.zeros(18)
    model = nn.Sequential(nn.Linear(3, 3, False), nn.Linear(3, 3, False))
    model[0].weight = nn.Parameter(flat[:9].view(3, 3))
    model[1].weight = nn.Parameter(flat[9:].view(3, 3))
    initialise(model)
    assert (flat != 0).all()


def test_a_parametrization_without_inverse_is_refused_unless_frozen() -> None:
    linear = nn.Linear(3, 3)
    parametrize.register_parametrization(linear, "weight", Transposed())
    refused(linear, r"1\.weight \(\w+\): Transposed has no right_inverse")
    orthogonal = parametrizations.orthogonal(
        nn.Linear(3, 3), orthogonal_map="cayley", use_trivialization=False
    )
    refused(orthogonal, r"1\.weight \(\w+\): It is not possible to assign")
    linear.parametrizations.weight.original.requires_grad_(False)
    report = initialise(linear)
    assert [row.rule for row in report.rows] == ["0", "frozen, left alone"]


def test_a_model_in_training_gets_the_same_power_iterations_as_one_that_is_not() -> (
    None
):
    one, two = rich_model().train(), rich_model().eval()
    two[6].load_state_dict(one[6].state_dict())  # frozen, so drawn by torch
    for model in (one, two):
        initialise(model, rules=RULES)
    assert_same_bits(one, bits(two))


def test_a_parametrized_weight_frozen_in_part_is_refused() -> None:
    linear = parametrizations.weight_norm(nn.Linear(3, 3))
    linear.parametrizations.weight.original0.requires_grad_(False)
    refused(linear, "frozen in part")


def test_a_tie_to_what_is_behind_a_parametrization_is_refused() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    parametrizations.spectral_norm(model[0])
    refused(model, "only one of them is parametrized")


def test_a_tie_between_two_roles_is_refused_until_a_rule_decides() -> None:
    model = nn.ModuleList([nn.LayerNorm(3), nn.Linear(3, 3)])
    model[1].bias = model[0].weight  # 1 or 0?
    refused(model, r"is tied to 1\.1\.bias, and their rules differ")
    initialise(model, rules={"0.weight": lambda w: w.fill_(2)})
    assert (model[1].bias == 2).all()


def test_a_zero_weight_has_no_direction_for_weight_norm() -> None:
    refused_model = parametrizations.weight_norm(nn.Linear(3, 3))
    with pytest.raises(ValueError, match="would not be finite"):
        params_init(refused_model, nn.init.zeros_)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"model": [nn.Linear(2, 2)]}, "model is a list, not a Module"),
        ({"init": "normal_"}, "init is a str, not a function"),
        ({"generator": 0}, "generator is a int"),
        ({"std": 1, "bound": 2}, "normal_ cannot be called .*'bound'"),
        ({"init": nn.init.constant_}, "constant_ cannot be called .*'val'"),
        ({"init": nn.init.ones_, "generator": generator()}, "ones_ takes no generator"),
        ({"init": nn.init.ones_, "by_name": True}, "ones_ takes no generator"),
        ({"rules": {"bias": 0}}, "rule for 'bias'"),
        ({"rules": {3: nn.init.ones_}}, "key 3 of rules"),
        ({"rules": {int: nn.init.ones_}}, "key .*int.* of rules"),
    ],
)
def test_arguments_of_the_wrong_kind_are_refused(arguments, match) -> None:
    model = nn.Linear(2, 2)
    before = bits(model)
    with pytest.raises(TypeError, match=match):
        params_init(**{"model": model, "init": nn.init.normal_} | arguments)
    assert_same_bits(model, before)


def test_the_message_names_the_other_refused_parameters_too() -> None:
    model = nn.Sequential(*(Own("scale", 2) for _ in range(9)))
    with pytest.raises(ValueError) as caught:
        initialise(model)
    assert "Also refused: 1.scale, 2.scale, 3.scale, 4.scale and 4 more." in str(
        caught.value
    )


# ---- reproducible --------------------------------------------------------------------


def test_a_generator_gives_what_filling_by_hand_gives() -> None:
    model, state = lenet(), torch.get_rng_state()
    initialise(model, generator=generator(3))
    by_hand = generator(3)
    for layer in (model[0], model[3], model[5]):
        expected = torch.empty_like(layer.weight).normal_(std=0.02, generator=by_hand)
        assert torch.equal(layer.weight, expected)
    assert torch.equal(torch.get_rng_state(), state)


def test_without_a_generator_the_global_seed_decides() -> None:
    one, two = lenet(), lenet()
    torch.manual_seed(5)
    params_init(one, nn.init.xavier_uniform_)
    state = torch.get_rng_state()
    torch.manual_seed(5)
    params_init(two, nn.init.xavier_uniform_)
    assert_same_bits(two, bits(one))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("by_name", [False, True])
def test_even_what_ignores_its_generator_is_reproducible(by_name) -> None:
    """The mask of sparse_, the parametrization orthogonal, a careless rule."""
    models = [rich_model(), rich_model()]
    rules = {"scale": lambda w: w.uniform_()}
    for model in models:
        torch.rand(7)
        state = torch.get_rng_state()
        for part, init, options in (
            (model[:2], nn.init.sparse_, {"sparsity": 0.5}),
            (model[3:], nn.init.normal_, {"rules": rules}),
        ):
            params_init(part, init, generator=generator(), by_name=by_name, **options)
        assert torch.equal(torch.get_rng_state(), state)
    for part in (slice(0, 2), slice(3, 6), slice(7, 8)):
        assert_same_bits(models[0][part], bits(models[1][part]))


def test_values_do_not_depend_on_strides() -> None:
    plain, last = nn.Conv2d(3, 4, 5), nn.Conv2d(3, 4, 5)
    last = last.to(memory_format=torch.channels_last)
    assert not last.weight.is_contiguous()
    for model in (plain, last):
        initialise(model)
    assert torch.equal(plain.weight, last.weight)
    assert not last.weight.is_contiguous()


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_device_gets_the_same_bits(device, by_name, monkeypatch) -> None:
    """Moved there, or built on meta and then there; on the CPU as if it were far."""
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device on this machine")
    here, there, built = rich_model(), rich_model().to(device), rich_model()
    built = built.to("meta").to_empty(device=device)
    built[1].weight = built[0].weight
    initialise(here, rules=RULES, by_name=by_name)
    monkeypatch.setattr(d2ltorch.init._Source, "reaches", lambda *_: False)
    for model in (there, built):
        initialise(model, rules=RULES, by_name=by_name)
    there[6].load_state_dict(here[6].state_dict())  # frozen, so drawn by torch
    assert_same_bits(there.cpu(), bits(here))
    built[6].load_state_dict(here[6].state_dict())
    assert_same_bits(built.cpu(), bits(here))


@pytest.mark.parametrize("width", [3, 300])
def test_by_name_adding_a_layer_changes_no_other(width) -> None:
    """Small ones are filled one by one, large ones in threads."""
    assert 3**2 < d2ltorch.init._LARGE < 300**2
    layers = {key: nn.Embedding(width, width, padding_idx=1) for key in "abc"}
    initialise(nn.ModuleDict({key: layers[key] for key in "ac"}), by_name=True)
    before = bits(nn.ModuleDict(layers))
    initialise(nn.ModuleDict(layers), by_name=True)
    for key in "ac":
        assert torch.equal(layers[key].weight, before[f"{key}.weight"])
        assert (layers[key].weight == 0).all(1).tolist() == [
            row == 1 for row in range(width)
        ]
    assert not torch.equal(layers["a"].weight, layers["b"].weight)


def test_by_name_every_seed_gives_other_values() -> None:
    """A CPU generator ignores all but the low 32 bits of its seed."""
    seen = set()
    for seed in (0, 1, 2, 2**31, 2**32, 2**33, -1):
        model = nn.Linear(3, 3)
        initialise(model, by_name=True, generator=generator(seed))
        seen.add(tuple(model.weight.flatten().tolist()))
    assert len(seen) == 7


def test_by_name_without_a_generator_the_last_global_seed_decides() -> None:
    values = []
    for draws in (0, 5):
        torch.manual_seed(9)
        model = nn.Sequential(*(nn.Linear(3, 3) for _ in range(draws)), nn.Linear(3, 3))
        state = torch.get_rng_state()
        params_init(nn.ModuleDict({"last": model[-1]}), nn.init.normal_, by_name=True)
        assert torch.equal(torch.get_rng_state(), state)
        values.append(model[-1].weight.detach().clone())
    assert torch.equal(*values)


@pytest.mark.parametrize(
    "init", [nn.init.normal_, nn.init.trunc_normal_, nn.init.xavier_uniform_]
)
def test_by_name_any_number_of_workers_gives_the_same_bits(init) -> None:
    threads = torch.get_num_threads()
    large = int(d2ltorch.init._LARGE**0.5) + 1
    model = nn.Sequential(
        *(nn.Linear(large, large + i) for i in range(5)), nn.Linear(2, 2)
    )
    results = []
    try:
        for workers in (1, 2, 3, 8):
            torch.set_num_threads(workers)
            params_init(model, init, by_name=True, generator=generator())
            results.append(bits(model))
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(other[name], results[0][name]) for name in other)
    first = model[0].weight
    initialise(nn.Sequential(nn.Linear(2, 2), model[0]))  # not by name: other values
    assert not torch.equal(first, results[0]["0.weight"])


def test_by_name_works_where_no_thread_can_be_started(monkeypatch) -> None:
    model = nn.Linear(300, 300)
    initialise(model, by_name=True)
    expected = bits(model)

    def no_thread(*_, **__):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(d2ltorch.init, "ThreadPoolExecutor", no_thread)
    spoil(model)
    initialise(model, by_name=True)
    assert_same_bits(model, expected)


# ---- autograd ------------------------------------------------------------------------


def test_parameters_stay_the_same_leaves_and_autograd_notices_the_write() -> None:
    model = nn.Linear(3, 3)
    parameters = list(model.parameters())
    loss = model(torch.ones(3)).pow(2).sum() + model.weight.pow(2).sum()
    for mode in (torch.no_grad, torch.enable_grad, torch.inference_mode):
        with mode():
            initialise(model)
            params_init(model, lambda w: w.normal_())
    for parameter, old in zip(model.parameters(), parameters, strict=True):
        assert parameter is old and parameter.is_leaf and parameter.requires_grad
        assert parameter.grad is None and not parameter.is_inference()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


# ---- the report ----------------------------------------------------------------------


def test_the_report_reads_as_a_table() -> None:
    report = initialise(lenet())
    assert str(report) == repr(report)
    assert str(report).splitlines() == [
        "parameter  shape         rule               values",
        "0.weight   (6, 1, 5, 5)  normal_(std=0.02)     150",
        "1.weight   (6,)          1                       6",
        "1.bias     (6,)          0                       6",
        "3.weight   (8, 6)        normal_(std=0.02)      48",
        "3.bias     (8,)          0                       8",
        "4.weight   (1,)          0.25                    1",
        "5.weight   (3, 8)        normal_(std=0.02)      24",
        "5.bias     (3,)          0                       3",
        "246 values written; running statistics of 1 layer reset.",
    ]
    assert report.rows[0] == ("0.weight", (6, 1, 5, 5), "normal_(std=0.02)", 150)
    assert (report.values, report.statistics) == (246, ("1",))


def test_the_report_says_what_is_tied_frozen_padded_and_parametrized() -> None:
    report = initialise(rich_model(), rules=RULES)
    rules = {row.name: (row.rule, row.values) for row in report.rows}
    assert rules["0.weight"] == ("normal_(std=0.02), row 1 is 0", 20)
    assert rules["1.weight"] == ("tied to 0.weight", 0)
    assert rules["4.weight"] == ("normal_(std=0.02) via SpectralNorm", 12)
    assert rules["6.weight"] == ("frozen, left alone", 0)
    assert rules["7.scale"] == ("ones_", 3)


def test_the_report_fits_79_columns_and_has_no_addresses() -> None:
    model = lenet()
    for _ in range(20):
        model = nn.ModuleDict({"inner_module": model})
    text = str(params_init(model, lambda w, f: f(w), f=lambda w: w.normal_()))
    assert all(len(line) == 79 for line in text.splitlines()[:-1])
    assert text.splitlines()[1].startswith("…")
    assert "0x" not in text and "<lambda>(f=function)" in text
    partial = functools.partial(nn.init.normal_, std=0.5)
    assert params_init(nn.Linear(1, 1), partial).rows[0].rule == "normal_(std=0.5)"


def test_the_report_is_a_table_in_a_notebook() -> None:
    report = params_init(nn.Linear(2, 1, bias=False), lambda w: w.normal_())
    html = report._repr_html_()
    assert html.count("<tr>") == 2 and html.count('<th scope="col">') == 4
    assert "&lt;lambda&gt;" in html and "<lambda>" not in html


def test_a_model_without_parameters_gives_an_empty_report() -> None:
    report = initialise(nn.Sequential(nn.ReLU()))
    assert report.rows == () and report.values == 0
    assert str(report).splitlines()[1:] == ["0 values written."]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of the empty layer
        empty = nn.Linear(0, 2)
    assert [row.values for row in initialise(empty).rows] == [0, 2]


# ---- the package ---------------------------------------------------------------------


def test_importing_the_package_loads_nothing_beyond_torch() -> None:
    code = (
        "import sys, torch; before = set(sys.modules); import d2ltorch; "
        "print(sorted(m for m in set(sys.modules) - before if m[:8] != 'd2ltorch'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_public_names_are_documented() -> None:
    assert d2ltorch.__all__ == sorted(d2ltorch.__all__)
    for name in d2ltorch.__all__:
        assert getattr(d2ltorch, name).__doc__
