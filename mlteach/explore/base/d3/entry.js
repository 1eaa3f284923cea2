// What explorers use of d3, file by file, so that the bundle holds nothing else. d3-scale and d3-ease are left out on
// purpose: the first brings colours, dates and formats, 25 kB for a scale of four lines; the second a licence of its own.
export { default as ticks } from "./node_modules/d3-array/src/ticks.js";
export { default as contours } from "./node_modules/d3-contour/src/contours.js";
export { default as line } from "./node_modules/d3-shape/src/line.js";
