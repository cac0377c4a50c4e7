"""The billing-readiness gate: whether a consumer's cycle can be billed, and if not, why. Pure; docs/readiness.md."""
