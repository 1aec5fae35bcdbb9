"""Make the kernel that loads this file the worst machine that is still right.

All correct machines agree on the four operations of arithmetic between two numbers;
in everything else the last bit may differ. So the result of every reduction, matrix
product, transcendental function and normal draw is moved by −1, 0 or +1 unit in the
last place, in a direction that depends on the value's own bits and on ROUNDING_SEED:
equal inputs give equal results, as on a real machine. What is exact everywhere is
left alone: zeros, infinities, small whole numbers, their halves, quarters and so on.

Before each cell every random generator is set to CELL_SEED, so a cell that draws
without a seed of its own gives something else than what is stored.

`make portability` starts kernels that load this file (bookproof/vary.py). Run as a
program it answers two questions about the machine it is on: `probe`, what its libraries
compute, as a hash, and `gpu`, whether there is one. It imports nothing of this book.
"""

import hashlib
import os
import random
import sys

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# aten operators, named as `operator` below names them.
INEXACT = """
    products: mm addmm bmm baddbmm addbmm mv addmv dot vdot addr linear convolution
    mkldnn_convolution convolution_overrideable cdist trilinear
    scaled_dot_product_attention scaled_dot_product_flash_attention_for_cpu
    reductions: sum nansum mean var std var_mean std_mean prod cumsum cumprod
    logsumexp linalg_vector_norm norm trace embedding_bag embedding_dense
    algebra: linalg_qr linalg_svd linalg_eigh linalg_eig linalg_inv_ex linalg_det
    linalg_cholesky_ex linalg_lu_factor_ex linalg_solve_ex linalg_lstsq linalg_slogdet
    linalg_householder_product cholesky_solve triangular_solve geqrf orgqr
    functions: exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan atan2
    sinh cosh tanh sigmoid erf erfc erfinv special_ndtri special_ndtr lgamma pow sqrt
    rsqrt hypot softplus log_sigmoid logit gelu silu mish elu softmax log_softmax
    linspace logspace lerp addcmul addcdiv logaddexp
    layers: layer_norm group_norm batch_norm cudnn_batch_norm fused_rms_norm rms_norm
    lstm gru lstm_cell gru_cell thnn_fused_lstm_cell mkldnn_rnn_layer
    losses: mse_loss smooth_l1_loss huber_loss binary_cross_entropy nll_loss kl_div
    draws: normal randn randn_like normal_functional uniform log_normal exponential
    optimisers: fused_adam fused_adamw fused_sgd
"""
NAMES = frozenset(INEXACT.split())
SCALED = frozenset(("add", "sub", "rsub"))  # x + alpha·y is rounded once or twice
EXACT, LARGE = 64, 2.0**17  # multiples of 1/64 up to LARGE are taken for exact
WHOLE = {2: torch.int16, 4: torch.int32, 8: torch.int64}  # by bytes


def operator(func) -> str:
    """Return the plain name of an operator: "sum" of aten::sum.dim_IntList."""
    name = func._schema.name.partition("::")[2].strip("_").removeprefix("foreach_")
    for part in ("_backward", "_forward"):
        name = name.partition(part)[0]
    return name.strip("_").removeprefix("native_")


def inexact(func, args: tuple, kwargs: dict) -> bool:
    """Tell whether another processor may round the result of this call otherwise."""
    name = operator(func)
    if name in SCALED:
        numbers = [a for a in args[2:] if isinstance(a, int | float)]
        return any(alpha not in (1, -1) for alpha in [*numbers, *kwargs.values()])
    return name in NAMES


def nudge(tensor: torch.Tensor, seed: int) -> None:
    """Move each number by at most one unit in the last place, in memory."""
    if tensor.is_complex():
        return nudge(torch.view_as_real(tensor), seed)
    ours = tensor.is_floating_point() and tensor.element_size() in WHOLE
    if not ours or tensor.is_meta or not tensor.numel() or 0 in tensor.stride():
        return None
    data = tensor.data  # the version of the tensor stays what it is elsewhere
    bits = data.view(WHOLE[data.element_size()])
    mixed = (bits.long() + seed * 0x9E3779B97F4A7C1) * 0x2545F4914F6CDD1D
    direction = mixed >> 62  # −2, −1, 0 or 1
    direction.masked_fill_(direction == -2, 0)
    scaled = data * EXACT
    moved = scaled != scaled.round()
    if data.abs().amax() > LARGE:
        moved |= (data.abs() > LARGE) & data.isfinite()
    bits.add_(direction.to(bits.dtype) * moved)
    return None


class WorstMachine(TorchDispatchMode):
    """A mode under which each inexact operation is as far off as it may be."""

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if inexact(func, args, kwargs):
            # an operator such as _foreach_sqrt_ returns nothing, and changes its first
            for tensor in _tensors(args[0] if result is None else result):
                nudge(tensor, self.seed)
        return result


def _tensors(result) -> list[torch.Tensor]:
    """Return the tensors in the result of an operator."""
    if isinstance(result, torch.Tensor):
        return [result] if type(result) in (torch.Tensor, torch.nn.Parameter) else []
    if isinstance(result, list | tuple):
        return [tensor for part in result for tensor in _tensors(part)]
    return []


def reseed(seed: int, names: dict) -> None:
    """Set every generator that a cell could draw from without having seeded it."""
    torch.manual_seed(seed)
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed)
    for value in list(names.values()):
        if isinstance(value, torch.Generator):
            value.manual_seed(seed)
        if isinstance(value, random.Random):
            value.seed(seed)


def load(shell) -> None:
    """Enter the mode and reseed before each cell of this IPython shell."""
    cell_seed, rounding = (
        os.environ.get(key, "") for key in ("CELL_SEED", "ROUNDING_SEED")
    )
    if cell_seed:
        shell.events.register(
            "pre_run_cell", lambda *_: reseed(int(cell_seed), shell.user_ns)
        )
    if rounding:
        WorstMachine(int(rounding)).__enter__()


def probe() -> str:
    """Return a hash of what this machine's libraries compute, each kind once."""
    g = torch.Generator().manual_seed(0)
    a = torch.rand(300, 300, generator=g)
    image = a[:256, :256].reshape(1, 4, 128, 128)
    kernel = torch.rand(8, 4, 3, 3, generator=g)
    found = [a @ a, a.sin(), torch.nn.functional.gelu(a), a.cumsum(0).log()]
    found += [torch.randn(300, generator=g)]
    found.append(torch.nn.functional.conv2d(image, kernel))
    return hashlib.sha256(b"".join(t.numpy().tobytes() for t in found)).hexdigest()


def gpu() -> str:
    """Return the type of this machine's accelerator, or nothing."""
    there = torch.accelerator.is_available()
    return torch.accelerator.current_accelerator().type if there else ""


if __name__ == "__main__":
    print({"probe": probe, "gpu": gpu}[sys.argv[1]]())
