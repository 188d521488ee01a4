// The page that asks for a name.

import { ask, complain } from "./api.js";

document.querySelector("#name-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await ask("/name", { name: document.querySelector("#name").value });
    location.assign("/");
  } catch (error) {
    complain(error);
  }
});
