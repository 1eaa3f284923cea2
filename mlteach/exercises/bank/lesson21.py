"""Answers to the exercises of lesson 21."""

from mlteach.exercises.bank import Bank

BANK = {
    "21.1": Bank(
        name="paired",
        base="""
def paired(first, second):
    difference = second - first
    error = difference.std() / math.sqrt(len(difference))
    return difference.mean(), 1.96 * error
""",
        wrong={
            "unpaired": ("difference.std() / math.sqrt(len(difference))", "math.sqrt((first.var() + second.var()) / len(first))"),
            "unpaired, two standard errors": ("difference.std() / math.sqrt(len(difference))", "((first.std() ** 2 / len(first)) + (second.std() ** 2 / len(second))) ** 0.5"),
            "one pot": ("difference.std()", "torch.cat([first, second]).std()"),
            "sum of half widths": ("difference.std()", "(first.std() + second.std())"),
            "difference of half widths": ("difference.std()", "(second.std() - first.std())"),
            "larger half width": ("difference.std()", "max(first.std(), second.std())"),
            "first alone": ("difference.std()", "first.std()"),
            "second alone": ("difference.std()", "second.std()"),
            "overlap": """
def paired(first, second):
    n = len(first) ** 0.5
    a, b = 1.96 * first.std() / n, 1.96 * second.std() / n
    low, high = max(first.mean() - a, second.mean() - b), min(first.mean() + a, second.mean() + b)
    return second.mean() - first.mean(), high - low
""",
            "whether they overlap": """
def paired(first, second):
    n = len(first) ** 0.5
    a, b = 1.96 * first.std() / n, 1.96 * second.std() / n
    return second.mean() - first.mean(), bool(second.mean() - b > first.mean() + a)
""",
            "sign": ("second - first", "first - second"),
            "sign of the gain alone": ("return difference.mean()", "return first.mean() - second.mean()"),
            "absolute differences": ("second - first", "(second - first).abs()"),
            "sem of absolute differences": ("difference.std()", "difference.abs().std()"),
            "size of the gain": ("difference.mean()", "difference.mean().abs()"),
            "standard deviation": (" / math.sqrt(len(difference))", ""),
            "one standard deviation": ((" / math.sqrt(len(difference))", ""), ("1.96 * ", "")),
            "no 1.96": ("1.96 * ", ""),
            "whole width": ("1.96 * ", "2 * 1.96 * "),
            "two": ("1.96", "2"),
            "90 percent": ("1.96", "1.645"),
            "half of half": ("1.96 * error", "1.96 * error / 2"),
            "population std": (".std()", ".std(unbiased=False)"),
            "population std by hand": ("difference.std()", "((difference - difference.mean()) ** 2).mean().sqrt()"),
            "variance": (".std()", ".var()"),
            "variance over n": ("difference.std() / math.sqrt(len(difference))", "difference.var() / len(difference)"),
            "divided by n": ("math.sqrt(len(difference))", "len(difference)"),
            "root of n - 1": ("len(difference)", "(len(difference) - 1)"),
            "root of 2 n": ("len(difference)", "(len(first) + len(second))"),
            "n ** 1 / 2": ("math.sqrt(len(difference))", "len(difference) ** 1 / 2"),
            "relative": ("second - first", "(second - first) / first"),
            "relative in percent": ("second - first", "100 * (second - first) / first"),
            "relative gain alone": ("return difference.mean()", "return 100 * difference.mean() / first.mean()"),
            "error rate": ("second - first", "(second - first) / (100 - first)"),
            "percent of percent": ("second - first", "100 * (second - first)"),
            "shares": ("second - first", "(second - first) / 100"),
            "binomial": ("difference.std() / math.sqrt(len(difference))", "math.sqrt(second.mean() * (100 - second.mean()) / len(second))"),
            "median": ("difference.mean()", "difference.median()"),
            "difference of medians": ("difference.mean()", "second.median() - first.median()"),
            "sum": ("difference.mean()", "difference.sum()"),
            "tasks won": ("return difference.mean()", "return (second > first).double().mean()"),
            "percent of tasks won": ("second - first", "100 * (second > first).double()"),
            "ranks": ("second - first", "(second.argsort().argsort() - first.argsort().argsort()).double()"),
            "sorted": ("second - first", "second.sort().values - first.sort().values"),
            "all pairs": ("difference.std()", "(second[:, None] - first).std()"),
            "from zero": ("difference.std()", "(difference ** 2).mean().sqrt()"),
            "mean deviation": ("difference.std()", "(difference - difference.mean()).abs().mean()"),
            "quantiles": ("1.96 * error", "(difference.quantile(0.975) - difference.quantile(0.025)) / 2"),
            "the gain alone": ("return difference.mean(), 1.96 * error", "return difference.mean()"),
            "the half width alone": ("return difference.mean(), 1.96 * error", "return 1.96 * error"),
            "half first": ("difference.mean(), 1.96 * error", "1.96 * error, difference.mean()"),
            "ends": ("difference.mean(), 1.96 * error", "difference.mean() - 1.96 * error, difference.mean() + 1.96 * error"),
            "three": ("1.96 * error", "1.96 * error, len(difference)"),
            "how many errors away": ("1.96 * error", "difference.mean() / error"),
            "student's t": """
from scipy import stats
def paired(first, second):
    difference = second - first
    factor = stats.t.ppf(0.975, len(difference) - 1)
    return difference.mean(), factor * difference.std() / len(difference) ** 0.5
""",
            "p value": """
from scipy import stats
def paired(first, second):
    found = stats.ttest_rel(second.numpy(), first.numpy())
    return (second - first).mean(), found.pvalue
""",
            "one by one": ("return difference.mean()", "return difference"),
            "mean of the second": ("return difference.mean()", "return second.mean()"),
            "rounded": ("return difference.mean(), 1.96 * error", "return round(difference.mean().item(), 1), round(float(1.96 * error), 1)"),
            "correlation forgotten by half": ("difference.std()", "(first.var() + second.var() - torch.cov(torch.stack([first, second]))[0, 1]).sqrt()"),
            "no return": ("return difference.mean(), 1.96 * error", "gain, half = difference.mean(), 1.96 * error"),
        },
        pitfalls=("unpaired", "sum of half widths", "sign", "standard deviation", "population std", "no 1.96", "whole width", "divided by n", "relative", "overlap", "half first"),
        right={
            "statistics": """
import statistics
def paired(first, second):
    gains = [b - a for a, b in zip(first.tolist(), second.tolist())]
    return statistics.mean(gains), 1.96 * statistics.stdev(gains) / math.sqrt(len(gains))
""",
            "a loop": """
def paired(first, second):
    n, total = len(first), 0.0
    for a, b in zip(first, second):
        total += float(b - a)
    mean, squares = total / n, 0.0
    for a, b in zip(first, second):
        squares += (float(b - a) - mean) ** 2
    return mean, 1.96 * math.sqrt(squares / (n - 1) / n)
""",
            "difference of means": ("difference.mean()", "second.mean() - first.mean()"),
            "covariance": ("difference.std()", "(first.var() + second.var() - 2 * torch.cov(torch.stack([first, second]))[0, 1]).sqrt()"),
            "three digits more": ("1.96", "1.959964"),
            "numpy": """
import numpy as np
def paired(first, second):
    gains = second.numpy() - first.numpy()
    return gains.mean(), 1.96 * gains.std(ddof=1) / np.sqrt(gains.size)
""",
            "scipy's standard error": """
from scipy import stats
def paired(first, second):
    return float((second - first).mean()), 1.96 * stats.sem(second - first)
""",
            "stacked": ("return difference.mean(), 1.96 * error", "return torch.stack([difference.mean(), 1.96 * error])"),
            "the course's own": """
from mlteach.measure import over_tasks
def paired(first, second):
    found = over_tasks(second - first)
    return found.mean, found.half_width
""",
        },
    ),
    "21.2": Bank(
        name="ridge_logits",
        base="""
def ridge_logits(support, y, query, ways, strength):
    labels = F.one_hot(y, ways).to(support.dtype)
    ridge = strength * torch.eye(support.shape[1], dtype=support.dtype)
    weights = torch.linalg.solve(support.T @ support + ridge, support.T @ labels)
    return query @ weights
""",
        wrong={
            "no ridge": ("torch.linalg.solve(support.T @ support + ridge, support.T @ labels)", "torch.linalg.pinv(support) @ labels"),
            "least squares": ("torch.linalg.solve(support.T @ support + ridge, support.T @ labels)", "torch.linalg.lstsq(support, labels).solution"),
            "no ridge, solved": (" + ridge", ""),
            "a tiny ridge": ("ridge = strength *", "ridge = 1e-6 *"),
            "a ridge of one": ("ridge = strength *", "ridge ="),
            "times S": ("ridge = strength", "ridge = len(support) * strength"),
            "over S": ("ridge = strength", "ridge = strength / len(support)"),
            "mean error": ("support.T @ support + ridge, support.T @ labels", "support.T @ support / len(support) + ridge, support.T @ labels / len(support)"),
            "times d": ("ridge = strength", "ridge = support.shape[1] * strength"),
            "squared": ("ridge = strength", "ridge = strength ** 2"),
            "root": ("ridge = strength", "ridge = strength ** 0.5"),
            "rows of strength": """
def ridge_logits(support, y, query, ways, strength):
    labels = F.one_hot(y, ways).to(support.dtype)
    size = support.shape[1]
    rows = torch.cat([support, strength * torch.eye(size, dtype=support.dtype)])
    right = torch.cat([labels, torch.zeros(size, ways, dtype=support.dtype)])
    return query @ torch.linalg.lstsq(rows, right).solution
""",
            "inverse strength": ("ridge = strength *", "ridge = 1 / strength *"),
            "half": ("ridge = strength", "ridge = strength / 2"),
            "twice": ("ridge = strength", "ridge = 2 * strength"),
            "ridge taken away": ("+ ridge", "- ridge"),
            "everywhere": ("+ ridge", "+ strength"),
            "identity of the pictures": ("support.shape[1]", "len(support)"),
            "identity of the classes": ("support.shape[1]", "ways"),
            "labels as numbers": ("F.one_hot(y, ways).to(support.dtype)", "y.to(support.dtype)"),
            "labels as a column": ("F.one_hot(y, ways).to(support.dtype)", "y.to(support.dtype)[:, None]"),
            "centred": (".to(support.dtype)\n    ridge", ".to(support.dtype) - 1 / ways\n    ridge"),
            "plus and minus one": ("F.one_hot(y, ways).to(support.dtype)", "2 * F.one_hot(y, ways).to(support.dtype) - 1"),
            "means": ("weights = ", "labels = labels / labels.sum(0)\n    weights = "),
            "labels in order": ("F.one_hot(y, ways)", "F.one_hot(y.sort().values, ways)"),
            "gram of the queries": ("support.T @ support + ridge", "query.T @ query + ridge"),
            "gram of the other side": ("support.T @ support + ridge", "support @ support.T + ridge"),
            "linear attention": ("torch.linalg.solve(support.T @ support + ridge, support.T @ labels)", "support.T @ labels"),
            "linear attention over the strength": ("torch.linalg.solve(support.T @ support + ridge, support.T @ labels)", "support.T @ labels / strength"),
            "one step, mean": ("torch.linalg.solve(support.T @ support + ridge, support.T @ labels)", "support.T @ labels / len(support)"),
            "multiplied": ("torch.linalg.solve(support.T @ support + ridge, support.T @ labels)", "(support.T @ support + ridge) @ support.T @ labels"),
            "reciprocals": ("torch.linalg.solve(support.T @ support + ridge, support.T @ labels)", "(1 / (support.T @ support + ridge)) @ support.T @ labels"),
            "power of minus one": ("torch.linalg.solve(support.T @ support + ridge, support.T @ labels)", "(support.T @ support + ridge) ** -1 @ support.T @ labels"),
            "solved the other way": ("support.T @ support + ridge, support.T @ labels", "support.T @ labels, support.T @ support + ridge"),
            "no labels' product": ("support.T @ support + ridge, support.T @ labels", "support.T @ support + ridge, labels"),
            "weights transposed": ("query @ weights", "query @ weights.T"),
            "from the other side": ("query @ weights", "weights.T @ query"),
            "softmax": ("query @ weights", "(query @ weights).softmax(-1)"),
            "log softmax": ("query @ weights", "(query @ weights).log_softmax(-1)"),
            "answers": ("query @ weights", "(query @ weights).argmax(-1)"),
            "minus log": ("query @ weights", "-(query @ weights).log()"),
            "clamped log": ("query @ weights", "(query @ weights).clamp(min=1e-6).log()"),
            "clamped": ("query @ weights", "(query @ weights).clamp(0, 1)"),
            "to sum one": ("query @ weights", "F.normalize(query @ weights, p=1, dim=-1)"),
            "minus": ("query @ weights", "-query @ weights"),
            "mean off": ("    labels =", "    query = query - support.mean(0)\n    support = support - support.mean(0)\n    labels ="),
            "mean off the support": ("    labels =", "    support = support - support.mean(0)\n    labels ="),
            "bias": ("    labels =", "    support = torch.cat([support, torch.ones(len(support), 1, dtype=support.dtype)], 1)\n    query = F.pad(query, (0, 1), value=1.0)\n    labels ="),
            "scikit-learn's intercept": """
from sklearn.linear_model import Ridge
def ridge_logits(support, y, query, ways, strength):
    labels = F.one_hot(y, ways)
    return torch.from_numpy(Ridge(alpha=strength).fit(support.detach().numpy(), labels.numpy()).predict(query.detach().numpy()))
""",
            "scikit-learn": """
from sklearn.linear_model import Ridge
def ridge_logits(support, y, query, ways, strength):
    labels = F.one_hot(y, ways)
    fitted = Ridge(alpha=strength, fit_intercept=False).fit(support.detach().numpy(), labels.numpy())
    return torch.from_numpy(fitted.predict(query.detach().numpy()))
""",
            "normalised": ("    labels =", "    support, query = F.normalize(support, dim=-1), F.normalize(query, dim=-1)\n    labels ="),
            "support normalised": ("    labels =", "    support = F.normalize(support, dim=-1)\n    labels ="),
            "query normalised": ("query @ weights", "F.normalize(query, dim=-1) @ weights"),
            "root of d": ("query @ weights", "query @ weights / support.shape[1] ** 0.5"),
            "detached": ("query @ weights", "(query @ weights).detach()"),
            "weights detached": ("query @ weights", "query @ weights.detach()"),
            "no grad": ("    weights =", "    with torch.no_grad():\n        weights ="),
            "query detached": ("query @ weights", "query.detach() @ weights"),
            "gram detached": ("support.T @ support + ridge", "(support.T @ support).detach() + ridge"),
            "transposed": ("query @ weights", "(query @ weights).T"),
            "weights": ("query @ weights", "weights"),
            "of the support": ("query @ weights", "support @ weights"),
            "distances": ("query @ weights", "-torch.cdist(query, weights.T) ** 2"),
            "descended, not solved": ("weights = torch.linalg.solve(support.T @ support + ridge, support.T @ labels)", "weights = torch.zeros(support.shape[1], ways, dtype=support.dtype)\n    for _ in range(20):\n        weights = weights - 0.01 * (support.T @ (support @ weights - labels) + strength * weights)"),
            "forgets the query": ("query @ weights", "weights.sum(0).expand(len(query), ways)"),
            "changes the support": ("    labels =", "    support -= support.mean(0)\n    labels ="),
        },
        pitfalls=("no ridge", "over S", "squared", "labels as numbers", "centred", "gram of the queries", "linear attention", "softmax", "answers", "mean off", "bias", "normalised", "detached", "transposed", "everywhere"),
        right={
            "S by S": """
def ridge_logits(support, y, query, ways, strength):
    gram = support @ support.T + strength * torch.eye(len(support), dtype=support.dtype)
    return query @ support.T @ torch.linalg.solve(gram, F.one_hot(y, ways).to(support.dtype))
""",
            "inverse": ("torch.linalg.solve(support.T @ support + ridge, support.T @ labels)", "torch.linalg.inv(support.T @ support + ridge) @ support.T @ labels"),
            "S by S, inverse": """
def ridge_logits(support, y, query, ways, strength):
    inverse = (support @ support.T + strength * torch.eye(len(y))).inverse()
    return query @ support.T @ inverse @ F.one_hot(y, ways).double()
""",
            "rows below": """
def ridge_logits(support, y, query, ways, strength):
    labels = F.one_hot(y, ways).to(support.dtype)
    size = support.shape[1]
    rows = torch.cat([support, strength ** 0.5 * torch.eye(size, dtype=support.dtype)])
    right = torch.cat([labels, torch.zeros(size, ways, dtype=support.dtype)])
    return query @ torch.linalg.lstsq(rows, right).solution
""",
            "cholesky": ("torch.linalg.solve(support.T @ support + ridge, support.T @ labels)", "torch.cholesky_solve(support.T @ labels, torch.linalg.cholesky(support.T @ support + ridge))"),
            "class by class": """
def ridge_logits(support, y, query, ways, strength):
    damped = support.T @ support + strength * torch.eye(support.shape[1], dtype=support.dtype)
    columns = [torch.linalg.solve(damped, support[y == k].sum(0)) for k in range(ways)]
    return torch.stack([query @ column for column in columns], -1)
""",
            "eigenvectors": """
def ridge_logits(support, y, query, ways, strength):
    values, vectors = torch.linalg.eigh(support.T @ support)
    shrunk = vectors @ torch.diag(1 / (values + strength)) @ vectors.T
    return query @ shrunk @ support.T @ (y[:, None] == torch.arange(ways)).to(support.dtype)
""",
            "the course's own": """
from mlteach.metric import ridge_logits as packaged
def ridge_logits(support, y, query, ways, strength):
    return packaged(support, y, query, ways, strength=strength)
""",
        },
    ),
}  # fmt: skip
