"""Where networks can run on this machine."""

from __future__ import annotations


def check_device(name: str | None) -> None:
    """Refuse a device that torch does not know, or that this machine does not have; None is torch's own choice.

    Args:
        name: cpu, cuda, cuda:1, mps, as torch spells them.

    Raises:
        ValueError: names the device and what there is.
    """
    if name is None:
        return
    import torch

    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device: expected cpu, cuda, cuda:N or mps, got {name!r}") from error
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not count:
            raise ValueError(f"device: {name!r} asked for, but torch sees no GPU here")
        if (device.index or 0) >= count:
            raise ValueError(f"device: {name!r} asked for, but torch sees {count} here, cuda:0 to cuda:{count - 1}")
    elif device.type == "mps":
        if not torch.backends.mps.is_available():
            raise ValueError(f"device: {name!r} asked for, but torch sees no such GPU here")
    elif device.type != "cpu":
        raise ValueError(f"device: expected cpu, cuda, cuda:N or mps, got {name!r}")
