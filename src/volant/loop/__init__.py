"""The wheel: one pure decision core, the training cycle, and replay over history."""
