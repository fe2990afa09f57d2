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
The model is not a VLM (Vision Language Model). Please use text-only prompts.
Multimodal data provided, but model does not support multimodal requests.
AiError: Bad input: Error: Type mismatch of '/messages/0/content', 'array' not in 'string'
invalid message content type: []interface {}
json: cannot unmarshal array into Go struct field ChatMessage.messages.content of type string
messages.0.content.str: Input should be a valid string
Model x has no vision capability
'image_url' is not a valid content type for this model
Unexpected content type 'image_url' in messages
Input modalities [image] are not supported
mmproj is not loaded, can't process image
Failed to deserialize the JSON body into the target type: messages[0].content: invalid type: sequence, expected a string
model not support multi modal content
The model doesn't support the image content type
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
Prompt too long: 5152 tokens exceeds max_seq_len 2048 (leave room for output tokens)
Input tokens exceed the configured limit of 272000 tokens.
Your input of 9000 tokens goes beyond what the model can take in (4096)
El contexto es demasiado largo: 9000 tokens
Der Prompt ist zu lang für dieses Modell
Le contexte est trop long
Input token length too long
context shift is disabled
max_tokens must be at least 1, got -904.
Prompt tokens too long
length of prompt_tokens (40000) must be less than max_seq_len (32768).
Request body too large for x model. Max size: 8000 tokens.
Single round file-content exceeds token limit, please use fileid to supply lengthy input.
x.ContextWindowExceededError: x.BadRequestError
Context length of the request (9000) is larger than what the model supports (8192)
Number of tokens in input (9000) is over the model's limit of 8192
Your prompt has 9000 tokens, which is more than the 8192 that this model can handle.
the sum of prompt tokens and max tokens must be less than or equal to 8192
Message length exceeds limit
You have exceeded the maximum context for this model.
KV cache is full: prompt of 9000 tokens does not fit
max_prompt_tokens exceeded: 9000 > 8192
Conversation history exceeds the model's capacity.
Context window is full
Prompt size 9000 over the model limit 8192
Превышен лимит токенов
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
Request blocked: content policy
The input was classified as unsafe
Content moderation failed
We can't process this request since it goes against our usage policies.
Text contains profanity and was rejected
Request did not pass the content review
Guardrail intervened
Blocked by Llama Guard: S1
Request rejected: NSFW content detected
Hate speech detected in the prompt
The prompt is not appropriate
涉及敏感话题，请换个问题
输入内容不合规
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
You have no credits left
Your wallet is empty. Deposit funds to continue.
Account has no funds.
You have run out of tokens in your plan.
Usage limit reached for this billing period. Upgrade your plan.
Insufficient USD or points balance to complete the request
Your monthly quota is used up
You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.
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
stop must be a string, but got an array
schema is too long
max_tokens must be less than or equal to 4096
temperature exceeds maximum allowed value
Function name is too long: maximum 64 characters
max_tokens (100000) exceeds the maximum output length of this model (8192 tokens)
Sampling parameter marked as illegal
The tool description length exceeds 1024 characters
Your request contains unsafe URL characters
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
    errors.NoPermission: """
Your account has been blocked due to violation of terms of service
Your IP has been blocked for violating our policy
""",
    errors.RateLimited: """
Quota exceeded for quota metric 'Generate requests' and limit 'per minute'
""",
    errors.ImageRefused: """
Invalid image data
unsupported image format: tiff
The image is too large
Failed to decode image
Image exceeds maximum size
image too large
Image dimensions exceed max allowed size: 8000 pixels
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
    errors.TooManyImages: """
You set image=1 (or defaulted to 1) in `--limit-mm-per-prompt`, but passed 2 image items in the same prompt.
Number of images exceeds the limit of 5
Maximum number of images is 10
""",
}
