// What every page offers beside its own purpose: going on elsewhere, and leaving.

import { byId, copy } from "./dom.js";
import { once, withdraw } from "./leaving.js";

const menu = byId("options");

if (menu) {
  byId("resume-copy").addEventListener("click", () => copy(byId("resume")));
  const sure = byId("withdraw-sure");
  const ask = () => {
    menu.open = false;
    sure.showModal();
  };
  for (const button of document.querySelectorAll("[data-withdraw]")) button.addEventListener("click", ask);
  byId("withdraw-no").addEventListener("click", () => sure.close());
  once(byId("withdraw-yes"), () => withdraw("").finally(() => sure.close()));
  document.addEventListener("click", ({ target }) => menu.contains(target) || (menu.open = false));
  menu.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
