"""Levenberg-Marquardt with bounds and Huber's weights, for models that bring their derivatives."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.curves import FloatArray

HUBER_THRESHOLD = 2.5  # residuals beyond so many of their robust scale count linearly, not squared
_MEDIAN_TO_SIGMA = 1.4826
_MOST_REJECTIONS = 8
_FIRST_DAMPING = 1e-6  # of unit columns: Gauss-Newton steps until one fails

Evaluate = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """Where a least-squares fit ended.

    Attributes
    ----------
    position : (p,)
    residual, jacobian : (n,) and (n, p) there, in standard errors; NaN where the model has no value
    weight : (n,) Huber's weight of each squared residual, 0 to 1
    cost : weighted sum of squares
    at_bound : (p,) whether a bound holds the parameter
    converged : whether the steps became small
    evaluations : of the model
    moved : (p,) how far linear steps have led from where the Jacobian was taken; None: not at all
    reach : the length of that way in standard errors
    """

    position: FloatArray
    residual: FloatArray
    jacobian: FloatArray
    weight: FloatArray
    cost: float
    at_bound: npt.NDArray[np.bool_]
    converged: bool
    evaluations: int
    moved: FloatArray
    reach: float = 0.0

    @property
    def expanded_at(self) -> FloatArray:
        """Where the Jacobian was taken: (p,)."""
        return self.position - self.moved

    def stepped(
        self,
        residual: FloatArray,
        jacobian: FloatArray,
        lower: FloatArray,
        upper: FloatArray,
        *,
        robust: bool,
    ) -> "Minimum | None":
        """The minimum of other residuals by one Gauss-Newton step from here; None where they are not finite.

        Parameters
        ----------
        residual, jacobian : (n,) and (n, p) here
        lower, upper : bounds (p,); a step beyond one stops at it
        robust : Huber's weights
        """
        if not (np.all(np.isfinite(residual)) and np.all(np.isfinite(jacobian))):
            return None
        weight = huber_weight(residual) if robust else np.ones_like(residual)
        free = _free_directions(self.position, lower, upper, jacobian, residual, weight)
        step, length = _damped_step(jacobian, residual, weight, free, 1e-12)
        step = np.clip(self.position + step, lower, upper) - self.position
        after = residual + jacobian @ step
        return Minimum(
            position=self.position + step,
            residual=after,
            jacobian=jacobian,
            weight=weight,
            cost=_cost(after, weight),
            at_bound=~free,
            converged=True,
            evaluations=self.evaluations,
            moved=self.moved + step,
            reach=self.reach + length,
        )

    def normal_matrix(self) -> FloatArray:
        """Jᵀ W J over the points the model has a value for: (p, p)."""
        known = _known(self.residual, self.jacobian)
        weighted = self.jacobian[known] * self.weight[known, None]
        return weighted.T @ self.jacobian[known]


def minimise(
    evaluate: Evaluate,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    tolerance: float = 1e-3,
    most_evaluations: int = 40,
    robust: bool = True,
) -> Minimum:
    """Least squares from one start within bounds.

    Parameters
    ----------
    evaluate : residuals (n,) in standard errors and their Jacobian (n, p) at a position (p,)
    start, lower, upper : (p,)
    tolerance : on the step, in standard errors of the parameters as the scatter of the residuals gives them
    most_evaluations : of the model
    robust : Huber's weights instead of plain squares
    """
    position = np.clip(start, lower, upper)
    residual, jacobian = evaluate(position)
    evaluations, damping, converged = 1, _FIRST_DAMPING, False
    while not converged and evaluations < most_evaluations:
        weight = huber_weight(residual) if robust else np.ones_like(residual)
        cost = _cost(residual, weight)
        if not np.isfinite(cost):
            break
        free = _free_directions(position, lower, upper, jacobian, residual, weight)
        for _ in range(_MOST_REJECTIONS):
            step, length = _damped_step(jacobian, residual, weight, free, damping)
            trial = np.clip(position + step, lower, upper)
            trial_residual, trial_jacobian = evaluate(trial)
            evaluations += 1
            gain = cost - _cost(trial_residual, weight)
            if gain >= -1e-9 * cost:
                position, residual, jacobian = trial, trial_residual, trial_jacobian
                damping = max(damping / 30, 1e-12)
                converged = length < tolerance or gain < 1e-9 * cost
                break
            if length < tolerance:
                converged = True
                break
            damping = max(damping * 30, 1e-4)
            if evaluations >= most_evaluations:
                break
        else:
            break
    weight = huber_weight(residual) if robust else np.ones_like(residual)
    free = _free_directions(position, lower, upper, jacobian, residual, weight)
    return Minimum(
        position=position,
        residual=residual,
        jacobian=jacobian,
        weight=weight,
        cost=_cost(residual, weight),
        at_bound=~free,
        converged=converged,
        evaluations=evaluations,
        moved=np.zeros_like(position),
    )


def huber_weight(residual: FloatArray) -> FloatArray:
    """(n,) 1 within the threshold, then falling as 1/|residual|; the scale is the median's, at least one."""
    size = np.abs(residual)
    scale = max(1.0, robust_scale(residual)) * HUBER_THRESHOLD
    return np.where(size > scale, scale / np.maximum(size, scale), 1.0)


def robust_scale(residual: FloatArray) -> float:
    """Standard deviation of residuals about zero from their median size; 0 without any."""
    known = residual[np.isfinite(residual)]
    return float(_MEDIAN_TO_SIGMA * np.median(np.abs(known))) if len(known) else 0.0


def _cost(residual: FloatArray, weight: FloatArray) -> float:
    """Weighted sum of squares; infinite where the model lacks a value at more than a tenth of the points."""
    known = np.isfinite(residual)
    if np.count_nonzero(known) < 0.9 * len(residual):
        return np.inf
    return float(np.sum(weight[known] * residual[known] ** 2) * len(residual) / np.count_nonzero(known))


def _known(residual: FloatArray, jacobian: FloatArray) -> npt.NDArray[np.bool_]:
    """(n,) where the model has a value and all its derivatives."""
    found: npt.NDArray[np.bool_] = np.isfinite(residual) & np.isfinite(jacobian).all(axis=1)
    return found


def _free_directions(
    position: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    jacobian: FloatArray,
    residual: FloatArray,
    weight: FloatArray,
) -> npt.NDArray[np.bool_]:
    """(p,) false where a parameter sits at a bound and the slope pushes it further."""
    known = _known(residual, jacobian)
    slope = jacobian[known].T @ (weight[known] * residual[known])
    return ~(((position <= lower) & (slope > 0)) | ((position >= upper) & (slope < 0)))


def _damped_step(
    jacobian: FloatArray,
    residual: FloatArray,
    weight: FloatArray,
    free: npt.NDArray[np.bool_],
    damping: float,
) -> tuple[FloatArray, float]:
    """The step, and its length in standard errors."""
    known = _known(residual, jacobian)
    root = np.sqrt(weight[known])
    columns = jacobian[known][:, free] * root[:, None]
    step = np.zeros(len(free))
    if columns.shape[1] == 0:
        return step, 0.0
    size = np.linalg.norm(columns, axis=0) + 1e-300
    scaled = columns / size
    damped = np.vstack([scaled, np.sqrt(damping) * np.eye(len(size))])
    right = np.concatenate([-root * residual[known], np.zeros(len(size))])
    along = np.linalg.lstsq(damped, right, rcond=None)[0]
    step[free] = along / size
    spread = max(1.0, robust_scale(residual))
    return step, float(np.linalg.norm(scaled @ along)) / spread
