// The head of ../d3.js: what it is, of which versions, and the licence it stands under.
import { readFileSync } from "node:fs";

const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const { dependencies } = JSON.parse(read("package.json"));
const names = Object.entries(dependencies).map(([name, version]) => `${name}@${version}`).join(", ");
const licence = read("node_modules/d3-shape/LICENSE").trim().replace(/^Copyright.*$/m, "Copyright 2010-2023 Mike Bostock");
console.log(`/*! Made by "npm run build" in d3/ from ${names}. Do not edit.\n\n${licence}\n*/`);
