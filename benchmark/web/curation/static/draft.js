// What a reviewer has entered about a clip and not saved: kept in this browser, so that a reload loses nothing.

export const CRITERIA = ["single_source", "visible", "label_matches"];

const FIELDS = [...CRITERIA, "label", "start_offset_seconds", "note"];

export class Drafts {
  constructor(reviewer) {
    this.reviewer = reviewer;
  }

  /** Return what was entered about a clip, else what is on record, else a blank. */
  of(view) {
    const blank = { single_source: null, visible: null, label_matches: null, label: "", start_offset_seconds: 0, note: "" };
    if (view.clip.labels.length === 1) blank.label = view.clip.labels[0].label;
    const recorded = view.mine ? Object.fromEntries(FIELDS.map((name) => [name, view.mine[name]])) : {};
    return { ...blank, ...recorded, ...this.#kept(view.clip.clip_id) };
  }

  keep(clip, draft) {
    try {
      localStorage.setItem(this.#key(clip), JSON.stringify(draft));
    } catch {
      // A browser that keeps nothing: the draft lives as long as the page.
    }
  }

  forget(clip) {
    try {
      localStorage.removeItem(this.#key(clip));
    } catch {
      // Nothing was kept there either.
    }
  }

  #kept(clip) {
    try {
      return JSON.parse(localStorage.getItem(this.#key(clip))) ?? {};
    } catch {
      return {};
    }
  }

  #key(clip) {
    return `curation ${this.reviewer} ${clip}`;
  }
}

/** Return what is still to be said before a draft can be saved, "" where nothing is. */
export function lacks(draft) {
  const open = CRITERIA.filter((name) => draft[name] === null).map((name) => CRITERIA.indexOf(name) + 1);
  if (open.length) return `Not decided yet: ${open.length === 1 ? "criterion" : "criteria"} ${open.join(", ")}.`;
  if (!draft.label) return "Not decided yet: choose the label (l), or another (o).";
  return "";
}
