"""Parameters as Stripe's clients send them: a form, with nested names (https://docs.stripe.com/api#request-bodies).

An unknown parameter is refused, as Stripe does; so are the known ones that are not simulated.
"""

import re
from collections.abc import Collection, Mapping

from gateway.errors import invalid

Form = Mapping[str, str]
#: https://docs.stripe.com/api/metadata
MOST_METADATA, LONGEST_NAME, LONGEST_VALUE = 50, 40, 500
_METADATA = re.compile(r"metadata\[([^\[\]]+)\]")


def read_form(form: Form, *, known: Collection[str]) -> Form:
    """Return the form; `known` are names without their brackets. Raises StripeError with parameter_unknown."""
    for name in form:
        if name.partition("[")[0] not in known:
            raise invalid(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")
    return form


def required(form: Form, name: str) -> str:
    """Return a parameter that must be there."""
    if not form.get(name):
        raise invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")
    return form[name]


def integer(form: Form, name: str) -> int | None:
    """Return a whole number that is not negative; None: not given."""
    if name not in form:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", form[name]):
        raise invalid(f"Invalid integer: {form[name]}", param=name, code="parameter_invalid_integer")
    return int(form[name])


def boolean(form: Form, name: str) -> bool:
    """Return a truth value; not given is false."""
    return choice(form, name, ("true", "false")) == "true"


def choice(form: Form, name: str, choices: Collection[str]) -> str | None:
    """Return one of the choices; None: not given."""
    value = form.get(name)
    if value is not None and value not in choices:
        raise invalid(f"Invalid {name}: must be one of {', '.join(choices)}", param=name)
    return value


def metadata(form: Form) -> dict[str, str]:
    """Return the pairs of metadata[name]=value; those with an empty value are left out, as Stripe unsets them."""
    pairs = {found[1]: value for name, value in form.items() if (found := _METADATA.fullmatch(name))}
    if len(pairs) > MOST_METADATA:
        raise invalid(f"metadata has {len(pairs)} keys, at most {MOST_METADATA} are allowed", param="metadata")
    for name, value in pairs.items():
        if len(name) > LONGEST_NAME or len(value) > LONGEST_VALUE:
            limits = f"at most {LONGEST_NAME} characters a name and {LONGEST_VALUE} a value are allowed"
            raise invalid(f"metadata[{name[:50]}] is too long: {limits}", param=f"metadata[{name[:50]}]")
    return {name: value for name, value in pairs.items() if value}
