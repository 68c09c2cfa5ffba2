"""SecLang trees to rules: the only place that knows what SecLang means."""

from revproxy.detection.seclang.lower.lowering import Lowered, lower

__all__ = ["Lowered", "lower"]
