// The end: codes to copy.

import { byId, copy } from "./dom.js";

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copy(byId(button.dataset.copy)));
}
