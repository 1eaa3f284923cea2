"""How alike two representations of the same pictures are: CKA and CCA.

X [n, d] and Y [n, e] hold what two networks, or one network before and after adapting, make of the same n pictures. A network
may turn its features, permute its channels or scale them, and the layer above can undo all of it. So both measures ask what is
the same apart from that:

- *linear CKA* passes over rotations and one common scale. It asks whether the same pairs of pictures are close to each other.
- *CCA* passes over any invertible map. It asks how well each direction of X can be read off Y. With few pictures it is no
  measure at all: n pictures span at most n - 1 directions, and with d >= n - 1 any two representations have them all in common.

Sources: Kornblith et al. 2019 (CKA); Song et al. 2012, equation 5 (the estimate without bias); Hotelling 1936; Raghu et al. 2017
(SVCCA). Taught in: lesson 13.
"""

import torch
from torch import Tensor

from mlteach.errors import EpisodeError


def cka(x: Tensor, y: Tensor) -> Tensor:
    """Linear CKA of x [..., n, d] and y [..., n, e]: ``|Y'X|^2 / (|X'X| |Y'Y|)`` with centred columns, in [0, 1]; [...].

    Computed from whichever is smaller, the products of features or those of pictures; both give the same number. With few
    pictures and many features it is above 0 for unrelated representations too: see `debiased_cka`.
    Raises EpisodeError for representations of different pictures, or of fewer than two.
    """
    x, y = _centred(*_checked(x, y, least=2))
    if x.shape[-2] < max(x.shape[-1], y.shape[-1]):
        k, m = _gram(x), _gram(y)
        together, own = (k * m).sum((-2, -1)), (_length(k), _length(m))
    else:
        together = (y.mT @ x).square().sum((-2, -1))
        own = _length(x.mT @ x), _length(y.mT @ y)
    return together / (own[0] * own[1])


def debiased_cka(x: Tensor, y: Tensor) -> Tensor:
    """CKA with HSIC estimated without bias: about 0 for unrelated representations, however few the pictures; [...].

    x [..., n, d], y [..., n, e], n >= 4. It can fall below 0. Raises EpisodeError as `cka` does.
    """
    x, y = _checked(x, y, least=4)
    # centring changes nothing here but the rounding
    k, m = (_gram(each) for each in _centred(x, y))
    return _unbiased(k, m) / (_unbiased(k, k) * _unbiased(m, m)).sqrt()


def canonical_correlations(x: Tensor, y: Tensor) -> Tensor:
    """The canonical correlations of x [n, d] and y [n, e], the largest first: as many as the smaller rank, each in [0, 1].

    They are the singular values of Qx' Qy, where Qx and Qy are orthonormal bases of the centred columns (Bjorck and Golub 1973).
    Raises EpisodeError as `cka` does.
    """
    x, y = _centred(*_checked(x, y, least=2))
    return torch.linalg.svdvals(_basis(x).mT @ _basis(y)).clamp(0, 1)


def cca(x: Tensor, y: Tensor) -> Tensor:
    """The mean of the `canonical_correlations`, a scalar: 1 for any two representations once each has n - 1 features."""
    return canonical_correlations(x, y).mean()


def svcca(x: Tensor, y: Tensor, keep: float = 0.99) -> Tensor:
    """`cca` of the principal directions that hold the share ``keep`` of each one's variance. Raises EpisodeError as `cka` does."""
    if not 0 < keep <= 1:
        raise EpisodeError(f"The share of variance to keep is above 0 and at most 1, and {keep} came.")
    x, y = _centred(*_checked(x, y, least=2))
    return cca(_principal(x, keep), _principal(y, keep))


def points(features: Tensor) -> Tensor:
    """Feature maps [N, channels, H, W] as one row for each place of each picture, [N * H * W, channels]: channels are the features."""
    return features.movedim(-3, -1).flatten(0, -2)


def _checked(x: Tensor, y: Tensor, least: int) -> tuple[Tensor, Tensor]:
    if x.ndim < 2 or y.ndim < 2 or x.shape[:-1] != y.shape[:-1]:
        raise EpisodeError(
            f"Representations {tuple(x.shape)} and {tuple(y.shape)} are not of the same pictures; give [n, features] each, with "
            "a row for each picture in the same order."
        )
    if x.shape[-2] < least:
        raise EpisodeError(f"With {x.shape[-2]} pictures nothing can be said; give at least {least}.")
    return x, y


def _centred(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return x - x.mean(-2, keepdim=True), y - y.mean(-2, keepdim=True)


def _gram(x: Tensor) -> Tensor:
    return x @ x.mT


def _length(k: Tensor) -> Tensor:
    return k.square().sum((-2, -1)).sqrt()


def _unbiased(k: Tensor, m: Tensor) -> Tensor:
    """HSIC of two Gram matrices [..., n, n] without bias, their diagonals left out."""
    n = k.shape[-1]
    off = 1 - torch.eye(n, dtype=k.dtype, device=k.device)
    k, m = k * off, m * off
    all_pairs = k.sum((-2, -1)) * m.sum((-2, -1)) / ((n - 1) * (n - 2))
    rows = (k.sum(-2) * m.sum(-2)).sum(-1) * 2 / (n - 2)
    return ((k * m).sum((-2, -1)) + all_pairs - rows) / (n * (n - 3))


def _svd(x: Tensor) -> tuple[Tensor, Tensor]:
    """Left singular vectors and singular values, those that are more than rounding."""
    u, s, _ = torch.linalg.svd(x, full_matrices=False)
    real = s > s.max() * max(x.shape) * torch.finfo(x.dtype).eps
    return u[:, real], s[real]


def _basis(x: Tensor) -> Tensor:
    return _svd(x)[0]


def _principal(x: Tensor, keep: float) -> Tensor:
    u, s = _svd(x)
    held = s.square().cumsum(0) / s.square().sum()
    count = int((held < keep - 1e-12).sum()) + 1
    return u[:, :count] * s[:count]
