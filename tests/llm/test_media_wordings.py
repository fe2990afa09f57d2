"""Too many pictures, in the words of many servers, and how many they take."""

import json

import pytest

from bot.errors import TooManyImages
from bot.llm.failures import failure_of_body

WORDINGS = {
    "At most 5 image(s) may be provided in one request.": 5,
    "At most 1 image(s) may be provided in one prompt.": 1,
    "The request contains too many images: 11 images were provided, but the model supports a maximum of 10 images.": 10,
    "Too many images in request: 11 images provided, but the model supports a maximum of 10 images.": 10,
    "Request contains 52 images, exceeding the maximum of 50 allowed per request": 50,
    "too many images and documents: 120 + 0 > 100": 100,
    "Too much media: 0 document pages + 107 images > 100": 100,
    "Too many images provided. This model supports up to 5 images": 5,
    "You set or defaulted to image=4 in --limit-mm-per-prompt, but passed 10 image items in the same prompt.": 4,
    "You set image=1 (or defaulted to 1) in `--limit-mm-per-prompt`, but passed 2 image items in the same prompt.": 1,
    "Please use fewer than 17 images in your request to models/some-model": 16,
    "Number of images exceeds the limit of 5": 5,
    "The number of images (12) exceeds the maximum allowed (8)": 8,
    "Maximum number of images is 10": 10,
    "This model accepts a maximum of 20 images per request": 20,
    "Only one image is supported per message": 1,
    "Cannot process more than 3 images": 3,
    "Image count 9 is greater than the limit 8": 8,
    "You may send no more than four pictures at once": 4,
    "exceeded the image limit": None,
    "Multiple images are not supported": None,
    "Too many photos": None,
    "too many image_url parts in messages (max 6)": 6,
    "12 images found; 10 images is the maximum": 10,
    "图片数量超过限制，最多支持6张": 6,
    "请求中的图像过多: 提供了 11 个图像，但模型最多支持 10 个图像。": 10,
    "Demasiadas imágenes en la solicitud": None,
}


@pytest.mark.parametrize(("words", "most"), WORDINGS.items())
def test_too_many_pictures_are_known_by_many_words(words: str, most: int | None) -> None:
    error = failure_of_body(400, json.dumps({"error": {"message": words}}).encode(), "llm.example.org")
    assert isinstance(error, TooManyImages), repr(error)
    assert error.most == most


@pytest.mark.parametrize(
    "words",
    [
        "Invalid image data",
        "The image is too large",
        "Image exceeds maximum size of 5 MB",
        "Image dimensions exceed max allowed size: 8000 pixels",
        "This model does not support images larger than 5MB",
        "image input is not supported",
        "This model does not support image input",
        "Too many requests",
        "too many tokens: 5000 > 4096",
        "This model's maximum context length is 8192 tokens, including 3 images",
        "Only text content is supported",
        "messages may have at most 2 system messages",
        "unsupported image format: tiff",
        "The image resolution is invalid",
        "At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels",
    ],
)
def test_other_refusals_are_not_of_the_number(words: str) -> None:
    error = failure_of_body(400, json.dumps({"error": {"message": words}}).encode(), "llm.example.org")
    assert not isinstance(error, TooManyImages)
