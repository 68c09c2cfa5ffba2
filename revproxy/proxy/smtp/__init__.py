"""The straight line of mail: sessions, envelopes, deliveries. `SmtpFront` is what `app` needs."""

from revproxy.proxy.smtp.fields import fill_envelope, fill_message
from revproxy.proxy.smtp.front import SmtpFront
from revproxy.proxy.smtp.offline import inspect_message

__all__ = ["SmtpFront", "fill_envelope", "fill_message", "inspect_message"]
