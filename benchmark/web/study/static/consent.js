// Agreeing to take part, and declining.

import { complain } from "/static/frame/page.js";

import { byId } from "./dom.js";
import { goTo, once } from "./leaving.js";
import { post } from "./server.js";
import { text } from "./texts.js";

const box = byId("agree");

async function decide(agrees) {
  const { next } = await post("/api/consent", { agrees });
  goTo(next);
}

once(byId("begin"), async () => {
  if (!box.checked) {
    complain(text("consent.agree_missing"));
    box.focus();
    return;
  }
  await decide(true);
});

once(byId("decline"), () => decide(false));
