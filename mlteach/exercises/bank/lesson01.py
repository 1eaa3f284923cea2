"""Plausible answers to the exercises of lesson 01."""

from mlteach.exercises.bank import Bank

DEAL = Bank(
    name="deal",
    base='''
def deal(pictures, order, shots):
    """Support pictures and labels, query pictures and labels, class after class."""
    ways = len(pictures)
    shuffled = torch.stack([pictures[way, order[way]] for way in range(ways)])
    support = shuffled[:, :shots]
    query = shuffled[:, shots:]
    labels = torch.arange(ways)
    support_y = labels.repeat_interleave(support.shape[1])
    query_y = labels.repeat_interleave(query.shape[1])
    return support.flatten(0, 1), support_y, query.flatten(0, 1), query_y
''',
    wrong={
        "all drawers are queries": ("shuffled[:, shots:]", "shuffled"),
        "queries are the support pictures": ("shuffled[:, shots:]", "shuffled[:, :shots]"),
        "queries begin one too early": ("shuffled[:, shots:]", "shuffled[:, shots - 1:]"),
        "queries begin one too late": ("shuffled[:, shots:]", "shuffled[:, shots + 1:]"),
        "one picture too many in the support set": (
            ("shuffled[:, :shots]", "shuffled[:, :shots + 1]"),
            ("shuffled[:, shots:]", "shuffled[:, shots + 1:]"),
        ),
        "one shot only": (
            ("shuffled[:, :shots]", "shuffled[:, :1]"),
            ("shuffled[:, shots:]", "shuffled[:, 1:]"),
        ),
        "as many queries as shots": ("shuffled[:, shots:]", "shuffled[:, shots : 2 * shots]"),
        "fifteen queries": ("shuffled[:, shots:]", "shuffled[:, shots : shots + 15]"),
        "one query a class": ("shuffled[:, shots:]", "shuffled[:, shots : shots + 1]"),
        "not shuffled": (
            "torch.stack([pictures[way, order[way]] for way in range(ways)])",
            "pictures",
        ),
        "not shuffled, all drawers are queries": (
            ("torch.stack([pictures[way, order[way]] for way in range(ways)])", "pictures"),
            ("shuffled[:, shots:]", "shuffled"),
        ),
        "the order of class 0 for all": ("order[way]]", "order[0]]"),
        "the order undone": ("order[way]]", "order[way].argsort()]"),
        "the order from behind": ("order[way]]", "order[way].flip(0)]"),
        "the last drawers support": (
            ("shuffled[:, :shots]", "shuffled[:, -shots:]"),
            ("shuffled[:, shots:]", "shuffled[:, :-shots]"),
        ),
        "an order of its own": ("order[way]]", "torch.randperm(pictures.shape[1])]"),
        "order taken for classes": (
            "torch.stack([pictures[way, order[way]] for way in range(ways)])",
            "pictures[order]",
        ),
        "order along the wrong axis": (
            "torch.stack([pictures[way, order[way]] for way in range(ways)])",
            "pictures[:, order]",
        ),
        "only the support set follows the order": ("query = shuffled[", "query = pictures["),
        "labels tiled": (
            ("labels.repeat_interleave(support", "labels.repeat(support"),
            ("labels.repeat_interleave(query", "labels.repeat(query"),
        ),
        "query labels tiled": ("labels.repeat_interleave(query", "labels.repeat(query"),
        "pictures drawer after drawer": (
            ("return support.flatten(0, 1)", "return support.transpose(0, 1).flatten(0, 1)"),
            ("query.flatten(0, 1)", "query.transpose(0, 1).flatten(0, 1)"),
        ),
        "everything drawer after drawer": '''
def deal(pictures, order, shots):
    ways, drawers = order.shape
    support_x, support_y, query_x, query_y = [], [], [], []
    for drawer in range(drawers):
        for way in range(ways):
            picture = pictures[way, order[way, drawer]]
            if drawer < shots:
                support_x.append(picture)
                support_y.append(way)
            else:
                query_x.append(picture)
                query_y.append(way)
    return torch.stack(support_x), torch.tensor(support_y), torch.stack(query_x), torch.tensor(query_y)
''',
        "labels from 1": ("torch.arange(ways)", "torch.arange(1, ways + 1)"),
        "labels as floats": ("torch.arange(ways)", "torch.arange(float(ways))"),
        "labels in 32 bits": ("torch.arange(ways)", "torch.arange(ways, dtype=torch.int32)"),
        "labels one-hot": (
            ("return support.flatten(0, 1), support_y", "return support.flatten(0, 1), F.one_hot(support_y)"),
            ("query.flatten(0, 1), query_y", "query.flatten(0, 1), F.one_hot(query_y)"),
        ),
        "labels are the drawers": (
            ("labels.repeat_interleave(support.shape[1])", "order[:, :shots].flatten()"),
            ("labels.repeat_interleave(query.shape[1])", "order[:, shots:].flatten()"),
        ),
        "labels count the pictures": (
            ("labels.repeat_interleave(support.shape[1])", "torch.arange(ways * support.shape[1])"),
            ("labels.repeat_interleave(query.shape[1])", "torch.arange(ways * query.shape[1])"),
        ),
        "one label a class": (
            ("labels.repeat_interleave(support.shape[1])", "labels"),
            ("labels.repeat_interleave(query.shape[1])", "labels"),
        ),
        "query labels as many as the support's": ("query_y = labels.repeat_interleave(query.shape[1])", "query_y = support_y"),
        "labels in a table": (
            ("labels.repeat_interleave(support.shape[1])", "labels[:, None].expand(ways, support.shape[1])"),
            ("labels.repeat_interleave(query.shape[1])", "labels[:, None].expand(ways, query.shape[1])"),
        ),
        "query first": (
            "return support.flatten(0, 1), support_y, query.flatten(0, 1), query_y",
            "return query.flatten(0, 1), query_y, support.flatten(0, 1), support_y",
        ),
        "both pictures, then both labels": (
            "return support.flatten(0, 1), support_y, query.flatten(0, 1), query_y",
            "return support.flatten(0, 1), query.flatten(0, 1), support_y, query_y",
        ),
        "two pairs": (
            "return support.flatten(0, 1), support_y, query.flatten(0, 1), query_y",
            "return (support.flatten(0, 1), support_y), (query.flatten(0, 1), query_y)",
        ),
        "no labels": ("return support.flatten(0, 1), support_y, query.flatten(0, 1), query_y",
                      "return support.flatten(0, 1), query.flatten(0, 1)"),
        "not flattened": (
            "return support.flatten(0, 1), support_y, query.flatten(0, 1), query_y",
            "return support, support_y, query, query_y",
        ),
        "pictures as rows of pixels": (
            "return support.flatten(0, 1), support_y, query.flatten(0, 1), query_y",
            "return support.reshape(-1, 784), support_y, query.reshape(-1, 784), query_y",
        ),
        "the pile cut, not each class": '''
def deal(pictures, order, shots):
    ways, drawers = order.shape
    x = torch.cat([pictures[way, order[way]] for way in range(ways)])
    y = torch.arange(ways).repeat_interleave(drawers)
    return x[:shots], y[:shots], x[shots:], y[shots:]
''',
        "shuffled in place": ("""
    shuffled = torch.stack([pictures[way, order[way]] for way in range(ways)])
""", """
    for way in range(ways):
        pictures[way] = pictures[way, order[way]]
    shuffled = pictures
"""),
        "no return": ("return support", "support"),
        "the drawer's number compared with shots": '''
def deal(pictures, order, shots):
    sx, sy, qx, qy = [], [], [], []
    for way in range(len(pictures)):
        for drawer in order[way]:
            if drawer < shots:
                sx.append(pictures[way, drawer])
                sy.append(way)
            else:
                qx.append(pictures[way, drawer])
                qy.append(way)
    return torch.stack(sx), torch.tensor(sy), torch.stack(qx), torch.tensor(qy)
''',
        "at most shots, by a loop": '''
def deal(pictures, order, shots):
    sx, sy, qx, qy = [], [], [], []
    for way in range(len(pictures)):
        for k, picture in enumerate(pictures[way][order[way]]):
            if k <= shots:
                sx.append(picture)
                sy.append(way)
            else:
                qx.append(picture)
                qy.append(way)
    return torch.stack(sx), torch.tensor(sy), torch.stack(qx), torch.tensor(qy)
''',
        "the order sorted": ("order[way]]", "order[way].sort().values]"),
        "pictures on their side": ("return support.flatten(0, 1)", "return support.flatten(0, 1).transpose(1, 2)"),
        "the label sets exchanged": (
            "return support.flatten(0, 1), support_y, query.flatten(0, 1), query_y",
            "return support.flatten(0, 1), query_y, query.flatten(0, 1), support_y",
        ),
        "labels from behind": ("torch.arange(ways)", "torch.arange(ways).flip(0)"),
        "five ways, always": ("torch.arange(ways)", "torch.arange(5)"),
        "one pile of pictures": ("torch.stack([pic", "torch.cat([pic"),
        "the channel put in": (
            "return support.flatten(0, 1), support_y, query.flatten(0, 1), query_y",
            "return support.flatten(0, 1)[:, None], support_y, query.flatten(0, 1)[:, None], query_y",
        ),
        "pictures divided by 255": ("return support.flatten(0, 1)", "return support.flatten(0, 1) / 255"),
    },
    pitfalls=(
        "all drawers are queries",
        "queries begin one too early",
        "queries begin one too late",
        "not shuffled",
        "the order of class 0 for all",
        "labels tiled",
        "labels from 1",
        "pictures drawer after drawer",
    ),
    right={
        "a loop over classes": '''
def deal(pictures, order, shots):
    sx, sy, qx, qy = [], [], [], []
    for way in range(pictures.shape[0]):
        mine = pictures[way][order[way]]
        sx.append(mine[:shots])
        qx.append(mine[shots:])
        sy += [way] * shots
        qy += [way] * (len(mine) - shots)
    return torch.cat(sx), torch.tensor(sy), torch.cat(qx), torch.tensor(qy)
''',
        "a loop over pictures": '''
def deal(pictures, order, shots):
    ways, drawers = order.shape
    x, y = [], []
    for part in (range(shots), range(shots, drawers)):
        x.append(torch.stack([pictures[w, order[w, d]] for w in range(ways) for d in part]))
        y.append(torch.tensor([w for w in range(ways) for _ in part]))
    return x[0], y[0], x[1], y[1]
''',
        "one index for all": (
            "torch.stack([pictures[way, order[way]] for way in range(ways)])",
            "pictures[torch.arange(ways)[:, None], order]",
        ),
        "gather": (
            "torch.stack([pictures[way, order[way]] for way in range(ways)])",
            "pictures.gather(1, order[:, :, None, None].expand_as(pictures))",
        ),
        "take_along_dim": (
            "torch.stack([pictures[way, order[way]] for way in range(ways)])",
            "torch.take_along_dim(pictures, order[:, :, None, None], 1)",
        ),
        "reshape to 28 x 28": (
            "return support.flatten(0, 1), support_y, query.flatten(0, 1), query_y",
            "return support.reshape(-1, 28, 28), support_y, query.reshape(-1, 28, 28), query_y",
        ),
        "labels from a table": (
            ("labels.repeat_interleave(support.shape[1])", "labels[:, None].expand(ways, shots).reshape(-1)"),
            ("labels.repeat_interleave(query.shape[1])", "labels.unsqueeze(1).repeat(1, query.shape[1]).flatten()"),
        ),
        "a list of four": (
            "return support.flatten(0, 1), support_y, query.flatten(0, 1), query_y",
            "return [support.flatten(0, 1), support_y, query.flatten(0, 1), query_y]",
        ),
        "an Episode": (
            ("\ndef deal", "from mlteach.tasks import Episode\n\n\ndef deal"),
            (
                "return support.flatten(0, 1), support_y, query.flatten(0, 1), query_y",
                "return Episode(support.flatten(0, 1), support_y, query.flatten(0, 1), query_y)",
            ),
        ),
        "split": (
            ("support = shuffled[:, :shots]\n", "support, query = shuffled.split([shots, order.shape[1] - shots], dim=1)\n"),
            ("    query = shuffled[:, shots:]\n", ""),
        ),
        "filled": '''
def deal(pictures, order, shots):
    ways, drawers = pictures.shape[:2]
    x = torch.empty_like(pictures)
    for way in range(ways):
        for place in range(drawers):
            x[way, place] = pictures[way, order[way, place]]
    y = torch.arange(ways).view(ways, 1).expand(ways, drawers)
    return x[:, :shots].reshape(ways * shots, 28, 28), y[:, :shots].reshape(-1), x[:, shots:].reshape(-1, 28, 28), y[:, shots:].reshape(-1)
''',
    },
)  # fmt: skip

NEAREST = Bank(
    name="nearest_neighbour",
    base='''
def nearest_neighbour(support_x, support_y, query_x):
    """For each query the label of the support picture at the smallest squared distance."""
    difference = query_x[:, None] - support_x[None]
    distance = (difference**2).flatten(2).sum(2)
    nearest = distance.argmin(1)
    return support_y[nearest]
''',
    wrong={
        "the number of the picture": ("support_y[nearest]", "nearest"),
        "the farthest": ("argmin", "argmax"),
        "the number of the farthest": (("argmin", "argmax"), ("support_y[nearest]", "nearest")),
        "the wrong axis": ("argmin(1)", "argmin(0)"),
        "the wrong axis, its number": (("argmin(1)", "argmin(0)"), ("support_y[nearest]", "nearest")),
        "no axis": ("argmin(1)", "argmin()"),
        "no axis, its number": (("argmin(1)", "argmin()"), ("support_y[nearest]", "nearest")),
        "not squared": ("difference**2", "difference"),
        "squared after adding": ("(difference**2).flatten(2).sum(2)", "difference.flatten(2).sum(2) ** 2"),
        "absolute differences": ("difference**2", "difference.abs()"),
        "absolute differences, the number": (
            ("difference**2", "difference.abs()"),
            ("support_y[nearest]", "nearest"),
        ),
        "the largest difference": ("(difference**2).flatten(2).sum(2)", "difference.abs().flatten(2).amax(2)"),
        "cubed": ("difference**2", "difference**3"),
        "products, the largest": (
            ("(difference**2).flatten(2).sum(2)", "query_x.flatten(1) @ support_x.flatten(1).T"),
            ("argmin", "argmax"),
        ),
        "products, the smallest": ("(difference**2).flatten(2).sum(2)", "query_x.flatten(1) @ support_x.flatten(1).T"),
        "cosine": '''
def nearest_neighbour(support_x, support_y, query_x):
    q = F.normalize(query_x.flatten(1), dim=1)
    s = F.normalize(support_x.flatten(1), dim=1)
    return support_y[(q @ s.T).argmax(1)]
''',
        "centred first": (
            "difference = query_x[:, None] - support_x[None]",
            "difference = (query_x - query_x.mean((2, 3), keepdim=True))[:, None] - (support_x - support_x.mean((2, 3), keepdim=True))[None]",
        ),
        "black and white first": (
            "difference = query_x[:, None] - support_x[None]",
            "difference = (query_x > 0.5).double()[:, None] - (support_x > 0.5).double()[None]",
        ),
        "mean picture of each class": '''
def nearest_neighbour(support_x, support_y, query_x):
    ways = support_y.unique()
    means = torch.stack([support_x[support_y == way].mean(0) for way in ways])
    distance = torch.cdist(query_x.flatten(1), means.flatten(1))
    return ways[distance.argmin(1)]
''',
        "mean distance of each class": '''
def nearest_neighbour(support_x, support_y, query_x):
    distance = torch.cdist(query_x.flatten(1), support_x.flatten(1)) ** 2
    ways = support_y.unique()
    return ways[torch.stack([distance[:, support_y == way].mean(1) for way in ways], 1).argmin(1)]
''',
        "three vote": ("support_y[nearest]", "support_y[distance.topk(3, largest=False).indices].mode(1).values"),
        "second nearest": ("distance.argmin(1)", "distance.argsort(1)[:, 1]"),
        "the distance": ("support_y[nearest]", "distance.min(1).values"),
        "label and distance": ("support_y[nearest]", "support_y[nearest], distance.min(1).values"),
        "the table": ("support_y[nearest]", "distance"),
        "min gives a pair": (("distance.argmin(1)", "distance.min(1)"), ("support_y[nearest]", "nearest")),
        "one-hot": ("support_y[nearest]", "F.one_hot(support_y[nearest])"),
        "labels as floats": ("support_y[nearest]", "support_y[nearest].float()"),
        "labels in 32 bits": ("support_y[nearest]", "support_y[nearest].int()"),
        "labels weighted": ("support_y[nearest]", "(-distance).softmax(1) @ support_y.double()"),
        "the first query only": ("support_y[nearest]", "support_y[nearest[0]]"),
        "an axis too many": ("argmin(1)", "argmin(1, keepdim=True)"),
        "returns in the loop": '''
def nearest_neighbour(support_x, support_y, query_x):
    for query in query_x:
        distance = ((support_x - query) ** 2).sum((1, 2, 3))
        return support_y[distance.argmin()]
''',
        "only the last stays": '''
def nearest_neighbour(support_x, support_y, query_x):
    for query in query_x:
        distance = ((support_x - query) ** 2).sum((1, 2, 3))
        label = support_y[distance.argmin()]
    return label
''',
        "a query for each support picture": '''
def nearest_neighbour(support_x, support_y, query_x):
    answers = []
    for picture in support_x:
        distance = ((query_x - picture) ** 2).sum((1, 2, 3))
        answers.append(distance.argmin())
    return torch.stack(answers)
''',
        "no pairs": ("query_x[:, None] - support_x[None]", "query_x - support_x"),
        "pictures summed away": ("(difference**2).flatten(2).sum(2)", "(difference**2).sum((0, 2, 3, 4))"),
        "summed over rows only": (".flatten(2).sum(2)", ".sum((2, 3))"),
        "one product only": (
            "(difference**2).flatten(2).sum(2)",
            "support_x.flatten(1).square().sum(1) - query_x.flatten(1) @ support_x.flatten(1).T",
        ),
        "no return": ("return support_y[nearest]", "support_y[nearest]"),
        "prints": ("return support_y[nearest]", "print(support_y[nearest])"),
        "absolute values to the fourth": ("difference**2", "difference**4"),
        "roots": ("difference**2", "difference.abs() ** 0.5"),
        "the least pixel": ("(difference**2).flatten(2).sum(2)", "(difference**2).flatten(2).amin(2)"),
        "the amount of ink": (
            "(difference**2).flatten(2).sum(2)",
            "(query_x.flatten(1).sum(1)[:, None] - support_x.flatten(1).sum(1)[None]).abs()",
        ),
        "the sum picture of each class": '''
def nearest_neighbour(support_x, support_y, query_x):
    ways = int(support_y.max()) + 1
    sums = torch.stack([support_x[support_y == way].sum(0) for way in range(ways)])
    return ((query_x[:, None] - sums[None]) ** 2).flatten(2).sum(2).argmin(1)
''',
        "the best is never kept": '''
def nearest_neighbour(support_x, support_y, query_x):
    answers = []
    for q in query_x:
        best = float("inf")
        for s, y in zip(support_x, support_y):
            if ((q - s) ** 2).sum() < best:
                label = y
        answers.append(label)
    return torch.stack(answers)
''',
        "the best is kept for all queries": '''
def nearest_neighbour(support_x, support_y, query_x):
    answers, best = [], float("inf")
    for q in query_x:
        for s, y in zip(support_x, support_y):
            distance = ((q - s) ** 2).sum()
            if distance < best:
                best, label = distance, y
        answers.append(label)
    return torch.stack(answers)
''',
        "labels from 1": ("support_y[nearest]", "support_y[nearest] + 1"),
        "labels sorted": ("support_y[nearest]", "support_y.sort().values[nearest]"),
        "softmax of plus": ("distance.argmin(1)", "distance.softmax(1).argmax(1)"),
    },
    pitfalls=("the number of the picture", "the wrong axis", "the farthest", "not squared", "absolute differences"),
    right={
        "a loop": '''
def nearest_neighbour(support_x, support_y, query_x):
    answers = []
    for query in query_x:
        distance = ((support_x - query) ** 2).sum((1, 2, 3))
        answers.append(support_y[distance.argmin()])
    return torch.stack(answers)
''',
        "two loops": '''
def nearest_neighbour(support_x, support_y, query_x):
    answers = []
    for q in query_x:
        best, label = float("inf"), None
        for s, y in zip(support_x, support_y):
            d = float(((q - s) ** 2).sum())
            if d < best:
                best, label = d, int(y)
        answers.append(label)
    return torch.tensor(answers)
''',
        "cdist": '''
def nearest_neighbour(support_x, support_y, query_x):
    return support_y[torch.cdist(query_x.flatten(1), support_x.flatten(1)).argmin(dim=1)]
''',
        "products": '''
def nearest_neighbour(support_x, support_y, query_x):
    q, s = query_x.flatten(1), support_x.flatten(1)
    return support_y[(s.square().sum(1) - 2 * q @ s.T).argmin(1)]
''',
        "with the root": ("(difference**2).flatten(2).sum(2)", "difference.flatten(2).norm(dim=2)"),
        "a mean": (".flatten(2).sum(2)", ".mean((2, 3, 4))"),
        "the smallest of topk": ("distance.argmin(1)", "distance.topk(1, largest=False).indices[:, 0]"),
        "the largest of minus": ("distance.argmin(1)", "(-distance).max(dim=1)[1]"),
        "in single precision": ("query_x[:, None] - support_x[None]", "query_x.float()[:, None] - support_x.float()[None]"),
        "support first": (
            ("query_x[:, None] - support_x[None]", "support_x[:, None] - query_x[None]"),
            ("argmin(1)", "argmin(0)"),
        ),
        "gather": ("support_y[nearest]", "support_y.gather(0, nearest)"),
        "one-hot and back": ("support_y[nearest]", "F.one_hot(support_y[nearest]).argmax(1)"),
        "einsum": ("(difference**2).flatten(2).sum(2)", 'torch.einsum("qschw,qschw->qs", difference, difference)'),
        "numpy": '''
def nearest_neighbour(support_x, support_y, query_x):
    q, s = query_x.reshape(len(query_x), -1).numpy(), support_x.reshape(len(support_x), -1).numpy()
    return support_y[torch.from_numpy(((q[:, None] - s[None]) ** 2).sum(-1).argmin(1))]
''',
    },
)  # fmt: skip

TASKS_NEEDED = Bank(
    name="tasks_needed",
    base='''
def tasks_needed(rate, queries, half_width):
    """The smallest n with 1.96 sqrt(rate (1 - rate) / (queries n)) <= half_width."""
    n = 1.96**2 * rate * (1 - rate) / (queries * half_width**2)
    return math.ceil(n)
''',
    wrong={
        "queries, not tasks": ("(queries * half_width**2)", "half_width**2"),
        "times the queries": ("(queries * half_width**2)", "half_width**2 * queries"),
        "no brackets": ("(queries * half_width**2)", "queries * half_width**2"),
        "no brackets, a fraction": (("(queries * half_width**2)", "queries * half_width**2"), ("math.ceil(n)", "n")),
        "queries squared too": ("(queries * half_width**2)", "(queries * half_width) ** 2"),
        "half width not squared": ("half_width**2", "half_width"),
        "nothing squared": '''
def tasks_needed(rate, queries, half_width):
    return math.ceil(1.96 * math.sqrt(rate * (1 - rate)) / (queries * half_width))
''',
        "the ratio not squared": '''
def tasks_needed(rate, queries, half_width):
    return math.ceil(1.96 * math.sqrt(rate * (1 - rate) / queries) / half_width)
''',
        "1.96 not squared": ("1.96**2", "1.96"),
        "1.96 doubled": ("1.96**2", "1.96 * 2"),
        "no 1.96": ("1.96**2 * ", ""),
        "two standard errors": ("1.96**2", "2**2"),
        "90 %": ("1.96**2", "1.645**2"),
        "99 %": ("1.96**2", "2.576**2"),
        "the whole width": ("half_width**2", "(half_width / 2) ** 2"),
        "twice the half width": ("half_width**2", "(2 * half_width) ** 2"),
        "the root stays": ("rate * (1 - rate) /", "math.sqrt(rate * (1 - rate)) /"),
        "the rate alone": (" * (1 - rate) /", " /"),
        "1 - rate alone": ("rate * (1 - rate) /", "(1 - rate) /"),
        "the rate squared": ("rate * (1 - rate) /", "rate**2 /"),
        "one half": ("rate * (1 - rate) /", "0.25 /"),
        "the variance squared": ("rate * (1 - rate) /", "(rate * (1 - rate)) ** 2 /"),
        "per cent": ("* (1 - rate) /", "* (100 - rate) /"),
        "half width in per cent": ("half_width**2", "(half_width / 100) ** 2"),
        "rounded down": ("math.ceil(n)", "int(n)"),
        "rounded": ("math.ceil(n)", "round(n)"),
        "int and one": ("math.ceil(n)", "int(n) + 1"),
        "rounded after a half": ("math.ceil(n)", "round(n + 0.5)"),
        "one too many": ("math.ceil(n)", "math.ceil(n) + 1"),
        "a fraction": ("math.ceil(n)", "n"),
        "the half width": ("    n =", "    return 1.96 * math.sqrt(rate * (1 - rate) / queries)\n    n ="),
        "upside down": (
            "1.96**2 * rate * (1 - rate) / (queries * half_width**2)",
            "(queries * half_width**2) / (1.96**2 * rate * (1 - rate))",
        ),
        "a caret for a power": ("1.96**2", "1.96^2"),
        "no return": ("return math.ceil(n)", "math.ceil(n)"),
        "prints": ("return math.ceil(n)", "print(math.ceil(n))"),
        "stops one early": '''
def tasks_needed(rate, queries, half_width):
    n = 1
    while 1.96 * math.sqrt(rate * (1 - rate) / (queries * n)) > half_width:
        n += 1
    return n - 1
''',
        "less than, not at most": '''
def tasks_needed(rate, queries, half_width):
    n = 1
    while 1.96 * math.sqrt(rate * (1 - rate) / (queries * n)) >= half_width:
        n += 1
    return n
''',
        "the loop forgets the root": '''
def tasks_needed(rate, queries, half_width):
    n = 1
    while 1.96 * rate * (1 - rate) / (queries * n) > half_width:
        n += 1
    return n
''',
        "a slip in 1.96": ("1.96**2", "1.69**2"),
        "half width cubed": ("half_width**2", "half_width**3"),
        "to the next ten": ("math.ceil(n)", "math.ceil(n / 10) * 10"),
        "the number of queries, rounded": ("math.ceil(n)", "math.ceil(n) * queries"),
        "divided after rounding": '''
def tasks_needed(rate, queries, half_width):
    return math.ceil(1.96**2 * rate * (1 - rate) / half_width**2) // queries
''',
        "another root": ("rate * (1 - rate) /", "math.sqrt(rate) * (1 - rate) /"),
        "rate and queries swapped": ("(rate, queries, half_width)", "(queries, rate, half_width)"),
    },
    pitfalls=("queries, not tasks", "half width not squared", "no 1.96", "rounded down", "a fraction", "int and one"),
    right={
        "a loop": '''
def tasks_needed(rate, queries, half_width):
    n = 1
    while 1.96 * math.sqrt(rate * (1 - rate) / (queries * n)) > half_width:
        n += 1
    return n
''',
        "all in one square": ("1.96**2 * rate * (1 - rate) / (queries * half_width**2)",
                              "(1.96 / half_width) ** 2 * rate * (1 - rate) / queries"),
        "1.96 to more digits": ("1.96**2", "1.959964**2"),
        "1.96 squared by hand": ("1.96**2", "3.8416"),
        "rounding taken away": ("math.ceil(n)", "math.ceil(n - 1e-9)"),
        "minus the floor of minus": ("math.ceil(n)", "int(-(-n // 1))"),
        "torch": ("math.ceil(n)", "torch.tensor(n).ceil()"),
        "torch, a whole number": ("math.ceil(n)", "int(torch.ceil(torch.tensor(n, dtype=torch.float64)))"),
        "numpy": (("math.ceil(n)", "np.ceil(n)"), ("    n = ", "    import numpy as np\n\n    n = ")),
        "a float": ("math.ceil(n)", "float(math.ceil(n))"),
        "whole numbers by %": ("math.ceil(n)", "int(n) + (n % 1 > 0)"),
        "with a root": (
            "1.96**2 * rate * (1 - rate) / (queries * half_width**2)",
            "(1.96 * math.sqrt(rate * (1 - rate) / queries) / half_width) ** 2",
        ),
        "the package's own floor": '''
def tasks_needed(rate, queries, half_width):
    from mlteach.measure import floor_of

    n = (floor_of(rate, queries, 1) / half_width) ** 2
    return math.ceil(round(n, 6))
''',
        "next": '''
def tasks_needed(rate, queries, half_width):
    from itertools import count

    return next(n for n in count(1) if 1.96 * math.sqrt(rate * (1 - rate) / (queries * n)) <= half_width)
''',
    },
)  # fmt: skip

BANK = {"01.1": DEAL, "01.2": NEAREST, "01.3": TASKS_NEEDED}
