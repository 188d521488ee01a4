// Having answers of an earlier time deleted by their code, also in a browser that no longer knows whose they are.

import { complain } from "/static/frame/page.js";

import { byId } from "./dom.js";
import { once, withdraw } from "./leaving.js";
import { text } from "./texts.js";

once(byId("delete"), async () => {
  const code = byId("code").value.trim();
  if (code) await withdraw(code);
  else complain(text("deletion.missing"));
});
