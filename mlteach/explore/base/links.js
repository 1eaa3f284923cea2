// Links between lessons. A view that has some imports this beside base.js.

/** Where the page of a lesson is, seen from this one, which lies beside it; "" where there is none. @param {string} page */
export function address(page) {
  const found = page && /\.(html|ipynb)$/.exec(location.pathname);
  return found ? page + found[0] : "";
}
