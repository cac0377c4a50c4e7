"""The sink that writes blocks as files into a folder."""
