"""Times the plain losses in PyTorch: forward, backward and mean, eager and through torch.compile. run.mjs starts it.

python3 torch_compare.py FOLDER [--budget SECONDS] [--quick]

FOLDER holds what run.mjs wrote: task.json, and boxes, losses and gradients of the float64 CPU backend. The script
rewrites result.json there after each row, so that a run that is ended early leaves what it has.
"""

import argparse
import itertools
import json
import math
import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np

import plain_losses

TOLERANCE = 1e-9  # of a float64 loss or gradient, by its largest in the set
TOLERANCE_FLOAT32 = 1e-4  # of the gradient timed, by ‖difference‖ / ‖reference‖, and of its mean loss
KINK = 1e-3  # pixels; closer pairs are left out of the comparison: frameworks share out gradients differently there
LEFT_OUT = 0.01  # of the pairs, at most
PEERS = {  # functions of torchvision.ops; their 1e-7 in denominators is within the tolerance for float32
    "giou": "generalized_box_iou_loss",
    "diou": "distance_box_iou_loss",
    "ciou": "complete_box_iou_loss",
}

started = time.monotonic()


def say(text):
    print(f"  [torch {time.monotonic() - started:5.1f} s] {text}", flush=True)


class Task:
    """What run.mjs asks for, and what it must agree with."""

    def __init__(self, folder):
        self.folder = Path(folder)
        task = json.loads((self.folder / "task.json").read_text())
        self.losses, self.compiled, self.sizes, self.rotate = (
            task[key] for key in ("losses", "compiled", "sizes", "rotateBytes")
        )
        # A loss without a plain statement has nothing to be compared with.
        self.losses = {name: options for name, options in self.losses.items() if name in plain_losses.LOSSES}
        self.pred = self.read("pred.f32", np.float32, 4)
        self.target = self.read("target.f32", np.float32, 4)
        self.boxes = len(self.pred)
        exact = (self.pred.astype(np.float64), self.target.astype(np.float64))
        self.clear = plain_losses.distance_to_kink(np, *exact) > KINK
        if self.clear.mean() < 1 - LEFT_OUT:
            raise SystemExit("too many pairs at a kink to compare anything")

    def read(self, name, dtype, columns):
        return np.fromfile(self.folder / name, dtype).reshape(-1, columns)

    def expected(self, name):
        """[N] losses and [N, 4] gradients of their sum."""
        return self.read(f"{name}.loss.f64", np.float64, 1)[:, 0], self.read(f"{name}.grad.f64", np.float64, 4)


def error(got, expected):
    worst = float(np.abs(got - expected).max() / np.abs(expected).max())
    return worst if math.isfinite(worst) else sys.float_info.max  # JSON has no NaN


def check_formulas(task, torch, device):
    """Each loss in float64 against scaloss. Without torch there is no autograd, and the losses alone are compared."""
    checks = []
    for name, options in task.losses.items():
        expected_loss, expected_grad = task.expected(name)
        worst_grad = None
        if torch is None:
            pair = task.pred.astype(np.float64), task.target.astype(np.float64)
            with np.errstate(invalid="ignore"):  # 0/0 at a kink
                loss = plain_losses.LOSSES[name](np, *pair, **options)
        else:
            pred = torch.tensor(task.pred, dtype=torch.float64, device=device, requires_grad=True)
            value = plain_losses.LOSSES[name](torch, pred, torch.tensor(task.target).to(pred), **options)
            (grad,) = torch.autograd.grad(value.sum(), pred)
            loss = value.detach().cpu().numpy()
            worst_grad = error(grad.cpu().numpy()[task.clear], expected_grad[task.clear])
        worst_loss = error(loss[task.clear], expected_loss[task.clear])
        agrees = worst_loss <= TOLERANCE and (worst_grad is None or worst_grad <= TOLERANCE)
        checks.append({"loss": name, "lossError": worst_loss, "gradError": worst_grad, "agrees": agrees})
        if not agrees:
            say(f"{name} disagrees with scaloss and is not timed: loss by {worst_loss}, gradient by {worst_grad}")
    return checks


class DeviceClock:
    """Milliseconds of calls on the GPU, between events."""

    def __init__(self, torch):
        self.torch = torch

    def time(self, call, calls):
        start, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(calls):
            call()
        end.record()
        end.synchronize()
        return start.elapsed_time(end)


class HostClock:
    """For a quick run without a GPU."""

    def time(self, call, calls):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        return 1e3 * (time.perf_counter() - start)


class Comparison:
    def __init__(self, task, torch, device, deadline, quick):
        self.task, self.torch, self.device, self.deadline = task, torch, device, deadline
        self.clock = DeviceClock(torch) if device == "cuda" else HostClock()
        self.per_sample, self.per_cell, self.warm_up = (0.5, 2, 0.01) if quick else (5, 60, 2)  # ms, ms, s
        self.result = {
            "skipped": None,
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "device": torch.cuda.get_device_name() if device == "cuda" else "CPU (quick run)",
            "tolerance": {"float64": TOLERANCE, "float32": TOLERANCE_FLOAT32},
            "leftOut": int((~task.clear).sum()),
            "results": [],
            "notMeasured": [],
        }

    def save(self):
        part = self.task.folder / "result.part"
        part.write_text(json.dumps(self.result))
        os.replace(part, self.task.folder / "result.json")

    def measure(self, call):
        """Milliseconds of a call: median and quartiles, as bench/gpu/timing.mjs takes them."""
        turn = itertools.count()

        def sample(calls):
            # Results go at once: the allocator gives their memory to the next call, as in a training loop.
            return self.clock.time(lambda: call(next(turn)), calls) / calls

        sample(2)  # the caching allocator's first allocations
        estimate = max(sample(3), 1e-4)
        calls = min(max(round(self.per_sample / estimate), 1), 1000)
        samples = min(max(round(self.per_cell / (calls * estimate)), 5), 100)
        q1, median, q3 = statistics.quantiles((sample(calls) for _ in range(samples)), n=4, method="inclusive")
        return {"median": median, "q1": q1, "q3": q3}

    def inputs(self, boxes):
        """Repeats the boxes of the task in enough sets that no L2 holds them: 48 bytes per box with the gradient."""
        sets = min(-(-self.task.rotate // (48 * boxes)), 512)

        def repeated(array):
            repeats = -(-boxes // self.task.boxes)
            one = self.torch.tensor(array, device=self.device).repeat(repeats, 1)[:boxes]
            return one.unsqueeze(0).repeat(sets, 1, 1)

        preds, targets = repeated(self.task.pred), repeated(self.task.target)
        return [(pred.requires_grad_(), target) for pred, target in zip(preds.unbind(0), targets.unbind(0))]

    def step(self, name, mode):
        """(pred, target) -> mean loss and its gradient."""
        torch, options = self.torch, self.task.losses[name]
        if mode == "torchvision":
            import torchvision

            peer = getattr(torchvision.ops, PEERS[name])

            def mean(pred, target):
                return peer(pred, target, reduction="mean")
        else:
            loss = plain_losses.LOSSES[name]

            def mean(pred, target):
                return loss(torch, pred, target, **options).mean()

        if mode == "compile":
            torch.compiler.reset()  # all losses share the code above, and recompilations of one code are limited
            mean = torch.compile(mean, dynamic=False, fullgraph=True)

        def step(pred, target):
            value = mean(pred, target)
            (grad,) = torch.autograd.grad(value, pred)
            return value.detach(), grad

        return step

    def check(self, name, step, pred, target):
        """The very call that is timed: its mean loss, and its gradient at the first and the last boxes."""
        expected_loss, expected_grad = self.task.expected(name)
        boxes, period = len(pred), self.task.boxes
        value, grad = step(pred, target)
        whole, rest = divmod(boxes, period)
        mean = (whole * expected_loss.sum() + expected_loss[:rest].sum()) / boxes
        difference = abs(float(value) - mean) / mean
        count = min(boxes, period)
        for rows in (range(count), range(boxes - count, boxes)):
            at = np.array(rows) % period
            got = grad[rows.start : rows.stop].double().cpu().numpy() * boxes
            clear = self.task.clear[at]
            expected = expected_grad[at][clear]
            difference = max(difference, float(np.linalg.norm(got[clear] - expected) / np.linalg.norm(expected)))
        if not difference <= TOLERANCE_FLOAT32:
            raise ArithmeticError(f"differs from scaloss by {difference}")
        return difference

    def row(self, name, mode, boxes, sets):
        where = {"loss": name, "mode": mode, "boxes": boxes}
        if time.monotonic() > self.deadline:
            self.result["notMeasured"].append({**where, "reason": "no time left"})
            return
        try:
            begun = time.monotonic()
            step = self.step(name, mode)
            difference = self.check(name, step, *sets[0])
            first = time.monotonic() - begun
            ms = self.measure(lambda turn: step(*sets[turn % len(sets)]))
            self.result["results"].append({**where, "ms": ms, "difference": difference, "firstCallSeconds": first})
            say(f"{mode} {name}, {boxes} boxes: {ms['median']:.3f} ms")
        except Exception as failure:  # a row that cannot be measured must not cost the others
            reason = str(failure).strip().split("\n")[0]
            self.result["notMeasured"].append({**where, "reason": f"{type(failure).__name__}: {reason}"})
            say(f"{mode} {name}, {boxes} boxes: {self.result['notMeasured'][-1]['reason']}")
        finally:
            self.save()

    def copy(self):
        """Bandwidth of a device-to-device copy in GB/s, bytes read and written."""
        source = self.torch.rand(self.task.rotate // 4, device=self.device)
        target = self.torch.empty_like(source)
        ms = self.measure(lambda _: target.copy_(source))
        median, q1, q3 = (2 * source.nbytes / 1e6 / ms[key] for key in ("median", "q3", "q1"))
        return {"median": median, "q1": q1, "q3": q3}

    def peers(self):
        try:
            import torchvision
        except Exception as failure:  # also one built for another PyTorch
            say(f"no torchvision: {failure}")
            return {}
        self.result["torchvision"] = torchvision.__version__
        return PEERS

    def run(self, losses):
        warm, until = self.torch.rand(1 << 20, device=self.device), time.monotonic() + self.warm_up
        while time.monotonic() < until:
            self.clock.time(lambda: warm.mul_(1), 100)
        self.result["copy"] = self.copy()
        chosen_by_mode = {"eager": losses, "torchvision": self.peers(), "compile": self.task.compiled}
        for mode, chosen in chosen_by_mode.items():
            for boxes in self.task.sizes:
                sets = self.inputs(boxes)
                for name in losses:
                    if name in chosen:
                        self.row(name, mode, boxes, sets)
                del sets
                if self.device == "cuda":
                    self.torch.cuda.empty_cache()
        self.result["seconds"] = time.monotonic() - started
        self.save()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--budget", type=float, default=150, help="seconds; what is not measured then is listed")
    parser.add_argument("--quick", action="store_true", help="tries the code, on the CPU where there is no GPU")
    arguments = parser.parse_args()
    task = Task(arguments.folder)
    torch, device, skipped = None, None, None
    try:
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        skipped = "PyTorch finds no GPU" if device == "cpu" and not arguments.quick else None
    except ImportError as missing:
        skipped = f"no PyTorch: {missing}"
    checks = check_formulas(task, torch, device)
    if skipped:
        result = {"skipped": skipped, "checks": checks, "results": [], "notMeasured": []}
        (task.folder / "result.json").write_text(json.dumps(result))
    else:
        comparison = Comparison(task, torch, device, started + arguments.budget, arguments.quick)
        comparison.result["checks"] = checks
        comparison.run([check["loss"] for check in checks if check["agrees"]])


if __name__ == "__main__":
    main()
