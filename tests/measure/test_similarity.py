"""CKA and CCA against formulas that share no line with them, and against what they must pass over."""

import pytest
import torch
from torch import Tensor

from mlteach.errors import EpisodeError
from mlteach.measure import canonical_correlations, cca, cka, debiased_cka, svcca
from mlteach.measure.similarity import points


def drawn(seed: int, n: int, d: int, e: int) -> tuple[Tensor, Tensor]:
    """Two representations of n pictures that have something in common."""
    g = torch.Generator().manual_seed(seed)
    x, noise = (torch.randn(n, k, generator=g, dtype=torch.float64) for k in (d, e))
    return x + 3, x @ torch.randn(d, e, generator=g, dtype=torch.float64) + 2 * noise


def by_hsic(x: Tensor, y: Tensor) -> Tensor:
    """CKA from its definition: HSIC = tr(K H L H) / (n - 1)^2 with the centring matrix H."""
    n = len(x)
    h = torch.eye(n, dtype=x.dtype) - 1 / n

    def hsic(k: Tensor, m: Tensor) -> Tensor:
        return torch.trace(k @ h @ m @ h) / (n - 1) ** 2

    k, m = x @ x.T, y @ y.T
    return hsic(k, m) / (hsic(k, k) * hsic(m, m)).sqrt()


def over_quadruples(x: Tensor, y: Tensor) -> Tensor:
    """HSIC without bias as its definition has it: sums over pairs, triples and quadruples of different pictures."""
    n, k, m = len(x), x @ x.T, y @ y.T
    pairs = triples = quadruples = 0.0
    for a in range(n):
        for b in range(n):
            for c in range(n):
                for d in range(n):
                    if len({a, b, c, d}) == 4:
                        quadruples += float(k[a, b] * m[c, d])
                if len({a, b, c}) == 3:
                    triples += float(k[a, b] * m[a, c])
            if a != b:
                pairs += float(k[a, b] * m[a, b])
    few = n * (n - 1)
    found = pairs / few - 2 * triples / (few * (n - 2)) + quadruples / (few * (n - 2) * (n - 3))
    return torch.tensor(found, dtype=x.dtype)


@pytest.mark.parametrize(("n", "d", "e"), [(40, 6, 9), (12, 30, 20), (20, 5, 60)])
def test_cka_is_that_of_centring_matrices_whichever_form_it_takes(n, d, e):
    x, y = drawn(0, n, d, e)
    assert torch.allclose(cka(x, y), by_hsic(x, y), rtol=0, atol=1e-12)
    assert torch.allclose(
        cka(torch.stack([x, 2 * x]), torch.stack([y, x @ x.T @ y])),
        torch.stack([cka(x, y), cka(x, x @ x.T @ y)]),
    )


def test_the_estimate_without_bias_is_that_of_quadruples_and_about_nought_for_noise():
    x, y = drawn(1, 9, 4, 5)
    wanted = over_quadruples(x, y) / (over_quadruples(x, x) * over_quadruples(y, y)).sqrt()
    assert torch.allclose(debiased_cka(x, y), wanted, rtol=0, atol=1e-10)
    g = torch.Generator().manual_seed(0)
    noise = torch.randn(2, 40, 20, 500, generator=g, dtype=torch.float64)
    assert cka(*noise).mean() > 0.9 and debiased_cka(*noise).mean().abs() < 0.02


@pytest.mark.parametrize(("n", "d", "e"), [(60, 6, 9), (60, 9, 4)])
def test_cca_is_that_of_eigenvalues(n, d, e):
    x, y = drawn(2, n, d, e)
    x = torch.cat([x, x[:, :1] - x[:, 1:2]], 1)  # one feature too many: the rank is d
    a, b = x - x.mean(0), y - y.mean(0)
    inverse = [torch.linalg.pinv(each.T @ each, rtol=1e-12, hermitian=True) for each in (a, b)]
    squares = torch.linalg.eigvals(inverse[0] @ a.T @ b @ inverse[1] @ b.T @ a).real
    wanted = squares.sort(descending=True).values[: min(d, e)].clamp(0).sqrt()
    assert torch.allclose(canonical_correlations(x, y), wanted, rtol=0, atol=1e-10)
    assert torch.allclose(cca(x, y), wanted.mean(), rtol=0, atol=1e-10)


def test_what_each_passes_over():
    x, y = drawn(3, 50, 7, 7)
    g = torch.Generator().manual_seed(3)
    turn = torch.linalg.qr(torch.randn(7, 7, generator=g, dtype=torch.float64)).Q
    stretch = torch.diag(torch.logspace(0, 2, 7, dtype=torch.float64))
    for measure in (cka, debiased_cka):
        assert torch.allclose(measure(5 * x @ turn - 1, y), measure(x, y), rtol=0, atol=1e-10)
        assert (measure(x @ stretch, y) - measure(x, y)).abs() > 0.05
    assert torch.allclose(cca(5 * x @ turn @ stretch - 1, y), cca(x, y), rtol=0, atol=1e-10)
    for measure in (cka, debiased_cka, cca, svcca):
        assert torch.allclose(measure(x, x), torch.ones((), dtype=x.dtype))


def test_i31_cca_of_few_pictures_is_1_whatever_they_are_and_svcca_less_so():
    g = torch.Generator().manual_seed(4)
    x, y = torch.randn(2, 75, 128, generator=g, dtype=torch.float64)
    assert torch.allclose(cca(x, y), torch.ones((), dtype=x.dtype))
    x, y = (each * torch.logspace(0, -3, 128, dtype=torch.float64) for each in (x, y))
    assert svcca(x, y, keep=0.5) < 0.5
    assert torch.allclose(svcca(x, y, keep=1.0), cca(x, y))


def test_channels_as_features_and_errors_that_say_what_to_do():
    maps = torch.arange(48.0).view(2, 3, 2, 4)
    assert torch.equal(points(maps)[5], maps[0, :, 1, 1])
    with pytest.raises(EpisodeError, match="not of the same pictures"):
        cka(torch.rand(5, 3), torch.rand(6, 3))
    with pytest.raises(EpisodeError, match="at least 4"):
        debiased_cka(torch.rand(3, 3), torch.rand(3, 3))
    with pytest.raises(EpisodeError, match="at most 1"):
        svcca(torch.rand(9, 3), torch.rand(9, 3), keep=0)
