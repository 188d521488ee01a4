"""Getting the clips: what is in a folder, in archives, on the network."""
