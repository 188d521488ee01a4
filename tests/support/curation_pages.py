"""What reviewers do on the curation page, in a real browser."""


def at(page, clip):
    """Wait until a clip is on the page and its picture is there."""
    shown = "document.querySelector('#clip-title')?.textContent === clip"
    page.wait_for_function(f"clip => {shown} && document.querySelector('#film').readyState > 1", arg=clip)


def press(page, *keys):
    """Press keys one after the other."""
    for key in keys:
        page.keyboard.press(key)
