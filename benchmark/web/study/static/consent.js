// Agreeing to take part, declining, and having answers of an earlier time deleted.

import { byId, complain } from "./dom.js";
import { goTo, once, withdraw } from "./leaving.js";
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

once(byId("delete"), async () => {
  const code = byId("code").value.trim();
  if (code) await withdraw(code);
  else complain(text("consent.withdraw_missing"));
});
