"""Many steps as one list of operations, there and back again, out of the trace of a single step.

    theta_t, state_t  ->  theta_(t+1), state_(t+1), its share of the objective               there
    the gradients by theta_(t+1) and state_(t+1)  ->  those by theta_t, state_t and omega    and back

By the chain rule, steps one after the other and their ways back in the other order are the gradient of the whole. What two of
them need is computed once: so a loss on which one step is judged and from which the next descends is asked for once.
"""

import functools
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import torch
from torch.fx import Graph, GraphModule, Node, map_arg

ATEN = torch.ops.aten
NO_HISTORY = (ATEN.detach.default, ATEN.alias.default)  # below autograd they do nothing

#: Of a sum, the sum of views.
VIEWS = (ATEN.t.default, ATEN.permute.default, ATEN.transpose.int, ATEN.slice.Tensor)
#: Numbers in the factors of all steps: beyond, asking for a product costs little beside computing it.
SMALL = 2**19


class Inputs(NamedTuple):
    """What goes into a step, tensors or the nodes of its trace in their place, in this order."""

    omega: Sequence[Any]
    theta: Sequence[Any]
    state: Sequence[Any]
    data: Sequence[Any]
    now: Sequence[Any]  # of each batch the part on which this step descends
    then: Sequence[Any]  # and the next one, on which theta_(t+1) is judged
    d_theta: Sequence[Any]  # the gradients by theta_(t+1)
    d_state: Sequence[Any]  # and by those tensors of state_(t+1) that can have one


class Results(NamedTuple):
    """What comes out of a step, in this order."""

    value: Sequence[Any]  # one tensor
    theta: Sequence[Any]
    state: Sequence[Any]
    by_omega: Sequence[Any]
    by_theta: Sequence[Any]
    by_state: Sequence[Any]


def cut(flat: Sequence[Any], like: Sequence[Collection[Any]]) -> list[list[Any]]:
    """``flat`` in pieces as long as those of ``like``."""
    rest = iter(flat)
    return [[next(rest) for _ in piece] for piece in like]


def laid_out(step: GraphModule, like: Inputs, held: Sequence[int], steps: int) -> GraphModule:
    """``steps`` steps and the way back: (omega, theta, state, data, batches) -> value, gradient, theta, state, d_state.

    step: the trace of one, from `Inputs` as long as ``like`` to `Results`. held: the places of the state tensors that have a
        gradient. batches: [steps + 1, ...] each, of which the step t sees the parts t and t + 1.
    Raises RuntimeError for a step that changes a tensor in place.
    """
    nodes = list(step.graph.nodes)
    told = Inputs(*cut([node for node in nodes if node.op == "placeholder"], like))
    given: Any = step.graph.output_node().args[0]
    result = Results(*cut(given, ([0], like.theta, like.state, like.omega, like.theta, like.d_state)))
    back = {*told.d_theta, *told.d_state}
    for node in nodes:
        if node.op != "output" and not back.isdisjoint(node.all_input_nodes):
            back.add(node)
    body = [node for node in nodes if node.op not in ("placeholder", "output")]

    graph = Graph()
    sheet = Sheet(graph)
    named = {
        "omega": like.omega,
        "theta": like.theta,
        "state": like.state,
        "data": like.data,
        "batch": like.now,
    }
    omega, theta, state, data, batches = (
        [graph.placeholder(f"{name}{k}") for k in range(len(group))] for name, group in named.items()
    )
    total: Any = None
    passed: list[dict[Node, Any]] = []
    for t in range(steps):
        now, then = ([sheet.call(ATEN.select.int, each, 0, k) for each in batches] for k in (t, t + 1))
        known: dict[Node, Any] = {}
        for inside, outside in zip(told[:6], (omega, theta, state, data, now, then), strict=True):
            known |= zip(inside, outside, strict=True)
        sheet.copy([node for node in body if node not in back], known)
        passed.append(known)
        total = sheet.plus(total, known[result.value[0]])
        theta, state = ([known[each] for each in part] for part in (result.theta, result.state))

    pulls = [sheet.call(ATEN.zeros_like.default, each) for each in (*theta, *(state[k] for k in held))]
    for known in reversed(passed):
        known |= zip((*told.d_theta, *told.d_state), pulls, strict=True)
        sheet.copy([node for node in body if node in back], known)
        pulls = [known[each] for each in (*result.by_theta, *result.by_state)]
    gradient = [over_steps(sheet, each, passed) for each in result.by_omega]
    graph.output([total, *gradient, *theta, *state, *pulls[len(theta) :]])
    graph.eliminate_dead_code()
    return GraphModule(step, graph)


def over_steps(sheet: "Sheet", node: Node, passed: Sequence[dict[Node, Any]]) -> Node:
    """The sum over the steps of ``node``, of which ``passed`` says what it is in each.

    Where it is a product of two small matrices, their sum is one product: a1 b1 + a2 b2 = [a1 a2] [b1; b2].
    """
    views: list[Node] = []
    made = node
    while made.target in VIEWS:
        views.insert(0, made)
        made = made.all_input_nodes[0]
    factors = made.all_input_nodes
    numbers = sum(each.meta["val"].numel() for each in factors) * len(passed)
    if made.target is not ATEN.mm.default or len(factors) != 2 or numbers > SMALL:
        return functools.reduce(sheet.plus, (known[node] for known in passed))
    left, right = (
        sheet.call(ATEN.cat.default, [known[each] for known in passed], axis)
        for each, axis in zip(factors, (1, 0), strict=True)
    )
    whole = {made: sheet.call(ATEN.mm.default, left, right)}
    sheet.copy(views, whole)
    return whole[node]


class Sheet:
    """What is written on a graph: no operation twice on the same inputs."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._there: dict[str, Node] = {}

    def call(self, target: Any, *arguments: Any, **named: Any) -> Node:
        """One operation; a random one is another every time."""
        if torch.Tag.nondeterministic_seeded in getattr(target, "tags", ()):
            return self.graph.call_function(target, arguments, named)
        key = f"{target} {arguments} {named}"
        if key not in self._there:
            self._there[key] = self.graph.call_function(target, arguments, named)
        return self._there[key]

    def plus(self, a: Node | None, b: Node) -> Node:
        """a + b, where there is an a."""
        return b if a is None else self.call(ATEN.add.Tensor, a, b)

    def copy(self, nodes: Sequence[Node], known: dict[Node, Any]) -> None:
        """Write ``nodes`` of another graph. ``known`` says what its nodes are on this one, and learns about these."""
        for node in nodes:
            if in_place(node):
                raise RuntimeError(f"a step changes a tensor in place ({node.target})")
            arguments, named = map_arg((node.args, node.kwargs), known.__getitem__)
            if node.op == "get_attr":
                name = str(node.target)
                self._there.setdefault(name, self.graph.get_attr(name))
                known[node] = self._there[name]
            elif node.target in NO_HISTORY:
                known[node] = arguments[0]
            else:
                known[node] = self.call(node.target, *arguments, **named)


def in_place(node: Node) -> bool:
    """Whether an operation changes one of its inputs."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable
