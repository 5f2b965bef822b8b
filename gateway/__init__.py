"""The simulated payment provider: Stripe's wire shape, Stripe's rules for idempotency keys, and Stripe's bad days.

A process of its own with its own file: the outside world. It shares no code with the services. What it imitates:
https://docs.stripe.com/api/payment_intents, https://docs.stripe.com/api/idempotent_requests,
https://docs.stripe.com/error-low-level. It is one process with threads (see gateway.idempotency).
"""
