// What every explorer shares, small parts in one list. No network; the only library is the little of d3 that stands in d3.js.
// An explorer's module imports from here; Python joins all texts into the one module a notebook loads.
export * from "./d3.js";
export * from "./dom.js";
export * from "./motion.js";
export * from "./controls.js";
export * from "./plot.js";
export * from "./hand.js";
export * from "./formula.js";
