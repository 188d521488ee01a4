// The page that asks for a name.

import { ask, attempt } from "./api.js";

document.querySelector("#name-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const taken = await attempt(() => ask("/name", { name: document.querySelector("#name").value }));
  if (taken) location.assign("/");
});
