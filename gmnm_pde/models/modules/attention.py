"""How attention acts on tensors that carry their derivatives: by the rules for its parts."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from gmnm_pde.models.modules.carried import Carried, NotCarried
from gmnm_pde.models.modules.rules import rule
from gmnm_pde.models.modules.sequences import SequenceFirst


@rule("scaled_dot_product_attention")
def _attention(
    _: Any,
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Carried:
    if is_causal or enable_gqa or dropout_p or not all(isinstance(one, Carried) for one in (query, key, value)):
        raise NotCarried("causal or grouped attention, dropout, or queries of their own")
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores: Any = torch.matmul(query * factor, key.transpose(-2, -1))
    if attn_mask is not None:
        if isinstance(attn_mask, Carried) or attn_mask.dtype == torch.bool:
            raise NotCarried("a mask that is no number")
        scores = scores + attn_mask
    return torch.matmul(torch.softmax(scores, -1), value)  # type: ignore[return-value]


@rule("multi_head_attention_forward")
def _heads(
    _: Any,
    query: Any,
    key: Any,
    value: Any,
    width: int,
    heads: int,
    weight: Tensor | None,
    bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout: float,
    out_weight: Tensor,
    out_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    **others: Any,
) -> Any:
    special = (bias_k, bias_v, add_zero_attn, dropout and training, use_separate_proj_weight, is_causal)
    masked = key_padding_mask is not None or attn_mask is not None
    one_sequence = query is key and key is value
    if weight is None or not one_sequence or masked or any(one not in (None, False, 0) for one in special):
        raise NotCarried("attention that is masked, dropped out, or of several sequences")
    made: Any = linear(query.inner, weight, bias).unflatten(-1, (3, heads, width // heads)).transpose(1, 3)
    query, key, value = (made[:, :, k] for k in range(3))  # [n, heads, sequence, width of a head]
    scores: Any = torch.matmul(query * (width // heads) ** -0.5, key.transpose(-2, -1))
    shares: Any = torch.softmax(scores, -1)
    mixed: Any = torch.matmul(shares, value).transpose(1, 2).flatten(2)
    weights = None if not need_weights else shares.mean(1) if average_attn_weights else shares
    return SequenceFirst(linear(mixed, out_weight, out_bias)), weights
