"""More wordings of refusals, one a line, as the message of a 400 in OpenAI's form."""

from bot import errors

PHRASES: dict[type[errors.ModelError], str] = {
    errors.CannotSee: """
This model does not support images
Model 'x' does not support vision
image_url is not supported for this model
Image inputs are not supported for this model
Images are not supported
Images not supported
The model `x` does not support image inputs. Please use a vision-capable model
multimodal inputs are not supported
Multi-modal data is not supported
Only text content is supported
only 'text' content type is supported
Only 'text' content type is supported.
messages[0].content[0].type: Input should be 'text'
Invalid type for 'messages[0].content': expected a string, but got an array instead.
This endpoint does not support image content
The provided model does not have vision capabilities
Image input unsupported
image content is not supported by the selected model
This model only accepts text input.
unsupported modality 'image'
input modality 'image' not supported by model
image modality is not supported
This server does not support multimodal
image_url content requires --mmproj
Vision not enabled
该模型不支持图像理解
模型不支持视觉
当前模型不支持多模态输入
该模型不支持图片输入功能
不支持 image_url
llama-3 is not a vision model
The model does not have image understanding
This model can't process images
Model does not accept image input
images cannot be processed by this model
This model does not support image_url content type
The selected model is text-only and cannot accept images
Model "x" doesn't support image attachments
Image understanding is not available for this model
unsupported message content: image_url
'image_url' is not a supported content type
Message content type image_url not supported
""",
    errors.CannotHear: """
Audio content is not supported
input_audio is not supported
This model does not support audio
audio modality is not supported
Model does not support audio content
voice input is not supported
Audio inputs are not supported for this model
'input_audio' is not a supported content type
This model cannot process audio
Unsupported modality: audio
Model does not accept audio input
""",
    errors.ContextTooLong: """
Token limit exceeded
The total number of tokens exceeds the model's limit
Requested tokens (5000) exceed context window of 4096
This request's prompt of 9000 tokens is over the 8192 limit
maximum number of tokens (4096) exceeded
Input length 9000 exceeds maximum context length 4096
input tokens exceed the limit
tokens exceeds max model length
Message is too long
Your message is too long for the model
This model's context window is 8192 tokens, but your request has 9000
The context length of this model is 8192, got 9000
prompt length exceeds maximum input length
token 数量超过限制
输入 Token 超过上限
请求的 tokens 超出模型上限
超过最大长度限制
超过模型最大上下文
长度超限
Requested token count exceeds the model's maximum context length of 131072 tokens
This endpoint's maximum context length is 131072 tokens. However, you requested about 140000 tokens
Input length (265330) exceeds model's maximum context length (262144).
Prompt has 5000 tokens, but the configured context size is 4096 tokens
context size has been exceeded
The conversation is too long
Prompt tokens limit exceeded: 9000 > 8000
input is too large, reduce tokens
Payload token count 9000 exceeds limit 8000
total tokens of image and text exceed max message tokens
Context limit reached
prompt is longer than the context window
Sequence length too long: 9000
The prompt is too large for this model
number of input tokens must be less than 4096
context_length must be smaller: your prompt is 9000 tokens and the model's context is 4096
""",
    errors.ContentRefused: """
blocked by content filter
Response blocked by safety filters
harmful content detected
This request has been blocked by our content moderation
Your prompt contains prohibited content
Request blocked by guardrail
The input contains sensitive words
Input flagged by moderation
blocked due to safety
Your request was flagged by our moderation system
内容存在风险
您的输入含有敏感词
内容审查未通过
PROHIBITED_CONTENT
Your input violates our usage policies
This content may violate our usage policies
content was blocked by Azure content filters
The prompt was blocked because of policy
Sorry, this prompt was rejected by the safety system
""",
    errors.NoCredit: """
You have run out of credits
Your balance is insufficient
not enough balance
用户额度不足
该令牌额度已用尽
Insufficient user quota
Your account has been suspended for non-payment
Please check your billing
payment is required
Your prepayment credits are depleted
Insufficient credits. Add more using https://openrouter.ai/settings/credits
Your newly created team doesn't have any credits yet
You have exceeded your monthly included credits for Inference Providers
Credit limit exceeded, please navigate to settings to add credit
account balance is too low
账户余额不足
Your account is not active, please check your billing details on our website.
Billing hard limit has been reached
insufficient_balance
""",
    errors.RequestRefused: """
Failed to parse tool call arguments
Unknown parameter: 'image_detail'
audio parameter missing
The image field is reserved
stream_options not allowed
messages: roles must alternate
invalid token in JSON at position 5
Unexpected token < in JSON
context parameter is unknown
Missing required parameter: image
does not support parameter audio
The model does not support image editing
tool 'generate_image' does not support image output
response_format only supports text
The tool call is not supported.
The model xxx does not support enable_thinking.
does not support image/svg+xml documents as tool results
vision_detail must be one of low, high
system prompt token must not be empty
a safety_identifier is required
content must not be empty
unsupported value: 'temperature' does not support 0.2 with this model
moderation parameter must be a boolean
""",
    errors.ImageRefused: """
Invalid image data
unsupported image format: tiff
The image is too large
Failed to decode image
Image exceeds maximum size
image too large
Image dimensions exceed max allowed size: 8000 pixels
Number of images exceeds the limit of 5
Maximum number of images is 10
This model does not support images larger than 5MB
The image data you provided does not represent a valid image
unable to process image
Image URL is invalid
Failed to download image
corrupted image file
does not support image format webp
base64 image decode error
The image resolution is invalid
""",
}
