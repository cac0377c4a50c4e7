"""The sink that posts blocks to another system over HTTP."""
