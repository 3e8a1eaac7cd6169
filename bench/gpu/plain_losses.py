"""The losses of two axes (docs/losses.md) as one writes them with array operations, for torch, where autograd gives the
gradient, or numpy. Every loss takes the array module, boxes [N, 4] as x1, y1, x2, y2, and its options; it gives [N]."""

import math


def corners(boxes):
    """Returns x1, y1, x2, y2, each [N]. unbind, as in torchvision: with slices, backward would write four [N, 4]."""
    return boxes.unbind(-1) if hasattr(boxes, "unbind") else boxes.T


def constant(value):
    """`value`, without a gradient."""
    return value.detach() if hasattr(value, "detach") else value


def overlap(xp, p, t):
    """Sides of the intersection, negative across a gap."""
    return xp.minimum(p[2], t[2]) - xp.maximum(p[0], t[0]), xp.minimum(p[3], t[3]) - xp.maximum(p[1], t[1])


def enclosing(xp, p, t):
    """Sides of the smallest box around both."""
    return xp.maximum(p[2], t[2]) - xp.minimum(p[0], t[0]), xp.maximum(p[3], t[3]) - xp.minimum(p[1], t[1])


def iou_and_union(xp, p, t):
    wmin, hmin = overlap(xp, p, t)
    intersection = xp.clip(wmin, 0, None) * xp.clip(hmin, 0, None)
    union = (p[2] - p[0]) * (p[3] - p[1]) + (t[2] - t[0]) * (t[3] - t[1]) - intersection
    return intersection / union, union


def centre_difference(p, t):
    return (p[0] + p[2] - t[0] - t[2]) / 2, (p[1] + p[3] - t[1] - t[3]) / 2


def centre_ratio(xp, p, t):
    """ρ²/c²"""
    dx, dy = centre_difference(p, t)
    wmax, hmax = enclosing(xp, p, t)
    return (dx**2 + dy**2) / (wmax**2 + hmax**2)


def corner_distance(xp, p, t):
    """(n1 + n2)/c"""
    n1 = xp.sqrt((p[0] - t[0]) ** 2 + (p[1] - t[1]) ** 2)
    n2 = xp.sqrt((p[2] - t[2]) ** 2 + (p[3] - t[3]) ** 2)
    wmax, hmax = enclosing(xp, p, t)
    return (n1 + n2) / xp.sqrt(wmax**2 + hmax**2)


def side_overlap(xp, p, t):
    wmin, hmin = overlap(xp, p, t)
    wmax, hmax = enclosing(xp, p, t)
    return 2 - (wmin / wmax + hmin / hmax)


def sca(xp, pred, target, alpha=0.5):
    p, t = corners(pred), corners(target)
    return side_overlap(xp, p, t) + alpha * corner_distance(xp, p, t)


def so(xp, pred, target):
    return side_overlap(xp, corners(pred), corners(target))


def cd(xp, pred, target):
    return corner_distance(xp, corners(pred), corners(target))


def iou(xp, pred, target):
    return 1 - iou_and_union(xp, corners(pred), corners(target))[0]


def giou(xp, pred, target):
    p, t = corners(pred), corners(target)
    overlapped, union = iou_and_union(xp, p, t)
    wmax, hmax = enclosing(xp, p, t)
    hull = wmax * hmax
    return 1 - overlapped + (hull - union) / hull


def diou(xp, pred, target):
    p, t = corners(pred), corners(target)
    return 1 - iou_and_union(xp, p, t)[0] + centre_ratio(xp, p, t)


def ciou(xp, pred, target):
    p, t = corners(pred), corners(target)
    apart = 1 - iou_and_union(xp, p, t)[0]
    angles = xp.arctan((t[2] - t[0]) / (t[3] - t[1])) - xp.arctan((p[2] - p[0]) / (p[3] - p[1]))
    v = 4 / math.pi**2 * angles**2
    a = constant(v / (apart + v))
    return apart + centre_ratio(xp, p, t) + a * v


def center(xp, pred, target):
    return xp.sqrt(center2(xp, pred, target))


def center2(xp, pred, target):
    return centre_ratio(xp, corners(pred), corners(target))


def iou_cd(xp, pred, target, alpha=0.5):
    p, t = corners(pred), corners(target)
    return 1 - iou_and_union(xp, p, t)[0] + alpha * corner_distance(xp, p, t)


def eiou(xp, pred, target):
    p, t = corners(pred), corners(target)
    wmax, hmax = enclosing(xp, p, t)
    dw = (p[2] - p[0]) - (t[2] - t[0])
    dh = (p[3] - p[1]) - (t[3] - t[1])
    return 1 - iou_and_union(xp, p, t)[0] + centre_ratio(xp, p, t) + (dw / wmax) ** 2 + (dh / hmax) ** 2


def siou(xp, pred, target):
    p, t = corners(pred), corners(target)
    wmax, hmax = enclosing(xp, p, t)
    dx, dy = centre_difference(p, t)
    gamma = 2 - 2 * xp.abs(dx * dy) / (dx**2 + dy**2)
    distance = 2 - xp.exp(-gamma * (dx / wmax) ** 2) - xp.exp(-gamma * (dy / hmax) ** 2)

    def shape(side, other):
        return (1 - xp.exp(-xp.abs(side - other) / xp.maximum(xp.abs(side), xp.abs(other)))) ** 4

    shapes = shape(p[2] - p[0], t[2] - t[0]) + shape(p[3] - p[1], t[3] - t[1])
    return 1 - iou_and_union(xp, p, t)[0] + (distance + shapes) / 2


def mpdiou(xp, pred, target, imageWidth, imageHeight):
    p, t = corners(pred), corners(target)
    n1 = (p[0] - t[0]) ** 2 + (p[1] - t[1]) ** 2
    n2 = (p[2] - t[2]) ** 2 + (p[3] - t[3]) ** 2
    return 1 - iou_and_union(xp, p, t)[0] + (n1 + n2) / (imageWidth**2 + imageHeight**2)


def smooth_l1(xp, pred, target, beta=1.0):
    d = xp.abs(pred - target)
    return xp.where(d < beta, d**2 / (2 * beta), d - beta / 2).sum(-1)


def l1(xp, pred, target):
    return xp.abs(pred - target).sum(-1)


def nwd(xp, pred, target, constant=12.8):
    p, t = corners(pred), corners(target)
    dx, dy = centre_difference(p, t)
    dw = (p[2] - p[0]) - (t[2] - t[0])
    dh = (p[3] - p[1]) - (t[3] - t[1])
    return 1 - xp.exp(-xp.sqrt(dx**2 + dy**2 + (dw**2 + dh**2) / 4) / constant)


LOSSES = {
    loss.__name__: loss
    for loss in (sca, so, cd, iou, giou, diou, ciou, center, center2, iou_cd, eiou, siou, mpdiou, smooth_l1, l1, nwd)
}


def distance_to_kink(xp, pred, target, beta=1.0):
    """[N]: how far a pair is from where a min, max or |·| of some loss turns, in the unit of the coordinates."""
    p, t = corners(pred), corners(target)
    widths = (p[2] - p[0]) - (t[2] - t[0])
    heights = (p[3] - p[1]) - (t[3] - t[1])
    edges = [xp.abs(a - b) for a, b in zip(p, t)]
    turns = [*edges, *(xp.abs(edge - beta) for edge in edges)]
    turns += [xp.abs(value) for value in (*overlap(xp, p, t), *centre_difference(p, t), widths, heights)]
    return xp.amin(xp.stack(turns), 0)
