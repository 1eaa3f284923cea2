// What moves: a step of an algorithm glides along its curve, a playhead runs in real numbers. What a hand moves, does not.
import { ask, clamp, still } from "./dom.js";

const out = (t) => 1 - (1 - t) ** 3; // fast at first, so that the very next frame shows that something was pressed

/**
 * A number, or a list of them, that glides to where it is sent: ask for it in `draw`, and the picture follows by itself. Sent
 * elsewhere on its way it turns round; who asked for less motion gets the end at once.
 * @param {Element} node  any of the explorer's @param {number} [ms]
 * @returns {{to: (x: any) => any, jump: (x: any) => any, moving: () => boolean}}  `to`: send it, and where it is now
 */
export function tween(node, ms = 300) {
  let from = null, goal = null, began = 0;
  const list = (x) => (Array.isArray(x) ? x : [x]), alike = (a, b) => a.length === b.length && a.every((v, k) => v === b[k]);
  const part = () => (still() ? 1 : clamp((performance.now() - began + 1000 / 60) / ms, 0, 1));
  const now = () => { const t = out(part()); return goal.map((g, k) => (t === 1 ? g : from[k] + t * (g - from[k]))); };
  const back = (x, like) => (Array.isArray(like) ? x : x[0]);
  const jump = (x) => { from = goal = list(x); began = -Infinity; return x; };
  return { jump, moving: () => goal !== null && part() < 1,
    to(x) {
      const next = list(x);
      if (!goal || next.length !== goal.length) return jump(x);
      if (!alike(next, goal)) [from, goal, began] = [now(), next, performance.now()];
      if (part() < 1) ask(node);
      return back(now(), x);
    } };
}

/** The point at the real place `t` of a path whose corners are its points 0, 1, 2, ...
 * @template {number[]} P @param {P[]} points @param {number} t @returns {P} */
export function along(points, t) {
  const k = clamp(Math.floor(t), 0, points.length - 1), next = points[k + 1], part = t - k;
  return next && part > 0 ? /** @type {P} */ (points[k].map((v, d) => v + part * (next[d] - v))) : points[k];
}

/** A path as far as its real place `t`. @template {number[]} P @param {P[]} points @param {number} t @returns {P[]} */
export const until = (points, t) => (t >= points.length - 1 ? points : [...points.slice(0, Math.floor(t) + 1), along(points, t)]);
