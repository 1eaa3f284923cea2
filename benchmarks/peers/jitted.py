"""What a user with an eye on speed would write instead: JAX, jitted, over the tasks by vmap or by map."""

import os
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.peers import Run, Setting
from mlteach.nets import MLP
from mlteach.nets.norm import EPSILON


def jax_vmap(setting: Setting) -> Run:
    """All tasks side by side."""
    return _jitted(setting, side_by_side=True)


def jax_map(setting: Setting) -> Run:
    """One task after the other inside one compiled program: on a CPU the quicker one for convolutions."""
    return _jitted(setting, side_by_side=False)


def jax_scan(setting: Setting, steps: int = 1) -> Run:
    """So many outer steps as one program, a ``lax.scan``: between them nobody can look, save or stop. The last gradient."""
    return _jitted(setting, side_by_side=True, outer_steps=steps)


def _jitted(setting: Setting, side_by_side: bool, outer_steps: int | None = None) -> Run:
    # by default JAX takes three quarters of a GPU's memory, and rounds its float32 products to 11 bits there
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    import jax

    jax.config.update("jax_default_matmul_precision", "highest")
    if next(iter(setting.theta.values())).dtype == torch.float64:
        jax.config.update("jax_enable_x64", True)
    net, loss = (_mlp if isinstance(setting.net, MLP) else _conv)(jax, setting)

    def query_loss(theta: Any, support_x: Any, support_y: Any, query_x: Any, query_y: Any) -> Any:
        for _ in range(setting.steps):
            slope = jax.grad(lambda p: loss(net(p, support_x), support_y))(theta)
            if setting.first_order:
                slope = jax.lax.stop_gradient(slope)
            theta = [value - setting.rate * g for value, g in zip(theta, slope, strict=True)]
        return loss(net(theta, query_x), query_y)

    def objective(theta: Any, episode: Any) -> Any:
        if side_by_side:
            return jax.vmap(query_loss, (None, 0, 0, 0, 0))(theta, *episode).mean()
        return jax.lax.map(lambda one: query_loss(theta, *one), episode).mean()

    theta = [jax.numpy.asarray(value.cpu().numpy()) for value in setting.theta.values()]
    episode = tuple(jax.numpy.asarray(each.cpu().numpy()) for each in setting.episode)
    of_one = jax.grad(objective)

    def of_many(theta: Any, episode: Any) -> Any:
        def step(theta: Any, _: Any) -> Any:
            found = of_one(theta, episode)
            return [value - 1e-3 * g for value, g in zip(theta, found, strict=True)], found

        _, found = jax.lax.scan(step, theta, length=outer_steps)
        return [each[-1] for each in found]

    gradient = jax.jit(of_one if outer_steps is None else of_many)

    def run() -> list[Tensor]:
        found = jax.block_until_ready(gradient(theta, episode))
        return [torch.from_numpy(jax.device_get(each).copy()) for each in found]

    return run


def _mlp(jax: Any, setting: Setting) -> tuple[Callable[..., Any], Callable[..., Any]]:
    act = {"relu": jax.nn.relu, "tanh": jax.numpy.tanh, "sigmoid": jax.nn.sigmoid}[setting.net.activation]  # type: ignore[union-attr]

    def net(p: Any, x: Any) -> Any:
        for layer in range(0, len(p), 2):
            x = x @ p[layer].T + p[layer + 1]
            x = act(x) if layer + 2 < len(p) else x
        return x

    return net, lambda found, y: ((found - y) ** 2).mean()


def _conv(jax: Any, setting: Setting) -> tuple[Callable[..., Any], Callable[..., Any]]:
    conv4: Any = setting.net
    stride = 2 if conv4.pool == "stride" else 1

    def net(p: Any, x: Any) -> Any:
        x = x.transpose(0, 2, 3, 1)
        for block in range(4):
            kernel, gamma, beta = p[3 * block : 3 * block + 3]
            x = jax.lax.conv_general_dilated(
                x, kernel.transpose(2, 3, 1, 0), (stride, stride), ((1, 1), (1, 1)),
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )  # fmt: skip
            mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
            x = jax.nn.relu((x - mean) * jax.lax.rsqrt(variance + EPSILON) * gamma + beta)
            if conv4.pool == "max":
                x = jax.lax.reduce_window(x, -jax.numpy.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        x = x.mean((1, 2)) if conv4.head == "mean" else x.transpose(0, 3, 1, 2).reshape(len(x), -1)
        return x @ p[-2].T + p[-1]

    def loss(logits: Any, y: Any) -> Any:
        chosen = jax.numpy.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1)
        return -chosen.mean()

    return net, loss
