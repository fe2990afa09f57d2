"""Error codes of model servers. Codes are lower-case prefixes; a purely numeric one must match exactly."""

from bot import errors

Kind = type[errors.ModelError]

CERTAIN: tuple[tuple[str, Kind], ...] = (
    ("rate_limit", errors.RateLimited),
    ("ratelimit", errors.RateLimited),
    ("throttling", errors.RateLimited),
    ("limit_requests", errors.RateLimited),
    ("limit_burst_rate", errors.RateLimited),
    ("invalid_api_key", errors.WrongKey),
    ("invalidapikey", errors.WrongKey),
    ("api_key_invalid", errors.WrongKey),
    ("incorrect_api_key", errors.WrongKey),
    ("invalid_key", errors.WrongKey),
    ("authentication_error", errors.WrongKey),
    ("1004", errors.WrongKey),  # MiniMax and GLM
    ("2049", errors.WrongKey),  # MiniMax
    ("arrearage", errors.NoCredit),
    ("allocationquota.freetieronly", errors.NoCredit),
    ("insufficient_balance", errors.NoCredit),
    ("not_enough_balance", errors.NoCredit),
    ("insufficient_user_quota", errors.NoCredit),  # one-api and its forks
    ("pre_consume_token_quota_failed", errors.NoCredit),
    ("insufficient_credit", errors.NoCredit),
    ("insufficient_funds", errors.NoCredit),
    ("billing_", errors.NoCredit),
    ("exceeded_current_quota", errors.NoCredit),
    ("creditserror", errors.NoCredit),
    ("1113", errors.NoCredit),  # GLM
    ("1008", errors.NoCredit),  # MiniMax
    ("modelnotfound", errors.NoPermission),
    ("model_not_found", errors.NoPermission),
    ("model_not_supported", errors.NoPermission),
    ("deploymentnotfound", errors.NoPermission),
    ("model_decommissioned", errors.NoPermission),
    ("unsupported_country", errors.NoPermission),
    ("accessdenied", errors.NoPermission),
    ("model.accessdenied", errors.NoPermission),
    ("context_length_exceeded", errors.ContextTooLong),
    ("context_window_exceeded", errors.ContextTooLong),
    ("exceed_context_size", errors.ContextTooLong),
    ("model_context_window_exceeded", errors.ContextTooLong),
    ("string_above_max_length", errors.ContextTooLong),
    ("1261", errors.ContextTooLong),  # GLM
    ("image_content_policy_violation", errors.ContentRefused),
    ("content_filter", errors.ContentRefused),
    ("contentfilter", errors.ContentRefused),
    ("content_policy", errors.ContentRefused),
    ("content_moderation", errors.ContentRefused),
    ("moderation_blocked", errors.ContentRefused),
    ("responsibleaipolicyviolation", errors.ContentRefused),
    ("data_inspection_failed", errors.ContentRefused),
    ("datainspectionfailed", errors.ContentRefused),
    ("customroleblocked", errors.ContentRefused),
    ("faqruleblocked", errors.ContentRefused),
    ("ipinfringementsuspect", errors.ContentRefused),
    ("prohibited_content", errors.ContentRefused),
    ("censorship_blocked", errors.ContentRefused),
    ("safety_violation", errors.ContentRefused),
    ("guardrail", errors.ContentRefused),
    ("sensitivecontentdetected", errors.ContentRefused),
    ("sensitive_word", errors.ContentRefused),
    ("inputtextsensitivecontentdetected", errors.ContentRefused),
    ("1301", errors.ContentRefused),  # GLM
    ("1026", errors.ContentRefused),  # MiniMax: the prompt
    ("1027", errors.ContentRefused),  # MiniMax: the answer
    ("invalid_image", errors.ImageRefused),
    ("image_parse_error", errors.ImageRefused),
    ("image_too_large", errors.ImageRefused),
    ("image_too_small", errors.ImageRefused),
)
"""Codes with one meaning, whatever the message says."""
WEAK: tuple[tuple[str, Kind], ...] = (
    ("invalid_prompt", errors.ContentRefused),  # OpenAI, for prompts that violate its usage policy
)
"""Codes that count if the message isn't recognized."""
VAGUE: tuple[tuple[str, Kind], ...] = (
    ("server_error", errors.ServerTrouble),
    ("overloaded", errors.ServerTrouble),
    ("internalerror", errors.ServerTrouble),
    ("internal_error", errors.ServerTrouble),
    ("systemerror", errors.ServerTrouble),
    ("modelserving", errors.ServerTrouble),
    ("modelunavailable", errors.ServerTrouble),
    ("unavailable", errors.ServerTrouble),
    ("requesttimeout", errors.NoAnswerInTime),
    ("deadline_exceeded", errors.NoAnswerInTime),
    ("resource_exhausted", errors.RateLimited),
    ("too_many_requests", errors.RateLimited),
    ("toomanyrequests", errors.RateLimited),
    ("unauthorized", errors.WrongKey),
    ("unauthenticated", errors.WrongKey),
    ("invalid_token", errors.WrongKey),
    ("forbidden", errors.NoPermission),
    ("permission_denied", errors.NoPermission),
    ("payment_required", errors.NoCredit),
)
"""Codes that some servers use for any failure."""
