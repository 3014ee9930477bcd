"""The networks of examples/vision_and_sequence: sizes beside the paper's, and parts against PyTorch's own."""

import pytest
import torch
from torch import nn

from gmnm_pde import GMNM
from models import autoencoder, cnn, recurrent
from models.attention import Attention
from models.heads import Head
from models.readout import features, solved

PAPER = {
    ("cnn", (1, 28, 28)): 28_586,
    ("cnn_att", (1, 28, 28)): 32_874,
    ("cnn_gmnm", (1, 28, 28)): 29_930,
    ("cnn", (3, 32, 32)): 209_098,
    ("cnn_att", (3, 32, 32)): 213_386,
    ("cnn_gmnm", (3, 32, 32)): 200_618,
    ("ae", (3, 32, 32)): 2_813_167,
    ("ae_att", (3, 32, 32)): 3_224_687,
    ("ae_gmnm", (3, 32, 32)): 2_778_723,
    ("ae_att_gmnm", (3, 32, 32)): 3_190_243,
}


def built(variant, image):
    return autoencoder.named(variant, image) if variant.startswith("ae") else cnn.named(variant, image, 10)


def size(network):
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


@pytest.mark.parametrize(("variant", "image"), PAPER)
def test_networks_are_as_large_as_the_papers(variant, image):
    network = built(variant, image)
    assert size(network) == pytest.approx(PAPER[variant, image], rel=0.005)
    x = torch.rand(2, *image)
    assert network(x).shape == ((2, 10) if variant.startswith("cnn") else x.shape)


def test_attention_adds_what_it_adds_in_the_paper():
    assert size(Attention(32)) == 4_288 and size(Attention(320)) == 411_520
    assert size(built("cnn_att", (1, 28, 28))) - size(built("cnn", (1, 28, 28))) == 4_288
    assert size(built("cnn", (1, 28, 28))) == 28_586


def test_attention_does_not_mind_the_order_of_places():
    torch.manual_seed(0)
    block = Attention(8).eval()
    x = torch.rand(3, 8, 2, 5)
    order = torch.randperm(10)
    mixed = x.flatten(2)[:, :, order].unflatten(2, (2, 5))
    assert torch.allclose(block(mixed).flatten(2), block(x).flatten(2)[:, :, order], atol=1e-6)


def test_every_variant_runs_on_the_digits_and_centres_stay():
    x = torch.rand(4, 1, 8, 8)
    for name in cnn.HEADED:
        assert cnn.named(name, (1, 8, 8), 10)(x).shape == (4, 10)
    for name in autoencoder.WEIGHED:
        assert autoencoder.named(name, (1, 8, 8))(x).shape == x.shape
    fixed = [name for name, _ in cnn.named("cnn_gmnm", (1, 8, 8), 10).named_parameters()]
    assert not any("centers" in name for name in fixed)
    trained = Head(trainable_centers=True).build(32, 10)
    assert any("centers" in name for name, _ in trained.named_parameters())


@pytest.mark.parametrize(
    ("features", "outputs", "components"), [(32, 10, 40), (32, 100, 40), (3, 1, 100), (30, 1, 100)]
)
@pytest.mark.parametrize("kind", ["mlp", "kan"])
def test_heads_to_compare_with_are_as_large_as_the_mixture(kind, features, outputs, components):
    wanted = Head(components=components).size(features, outputs)
    assert size(Head(kind, components=components).build(features, outputs)) == pytest.approx(wanted, rel=0.06)


def test_factors_weigh_the_channels_before_the_last_convolution():
    torch.manual_seed(0)
    network = autoencoder.named("ae_gmnm", (1, 8, 8)).eval()
    x = torch.rand(3, 1, 8, 8)
    latent = network.encoder(x)
    weighed = network.decoder(latent) * network.factors(latent)[:, :, None, None]
    assert torch.allclose(network(x), network.output(weighed))
    assert isinstance(network.factors[1].layer, GMNM) and not network.factors[1].layer.trainable_centers


def test_the_lstm_is_pytorchs():
    torch.manual_seed(0)
    own = recurrent.LSTM(4, 5)
    torch.manual_seed(0)
    theirs = nn.LSTM(4, 5, batch_first=True)
    x = torch.randn(7, 10, 4)
    assert torch.allclose(own(x), theirs(x)[0], atol=1e-6)
    own.fused = False
    assert torch.allclose(own(x), theirs(x)[0], atol=1e-6)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("variant", recurrent.HEADED)
def test_copies_are_what_each_network_is_alone(variant, count):
    copies = recurrent.Copies(lambda: recurrent.named(variant), range(2, 2 + count))
    x = torch.randn(count, 6, 10, 4)
    together = copies(x)
    together.square().mean((1, 2)).sum().backward()
    for number in range(count):
        torch.manual_seed(2 + number)
        alone = recurrent.named(variant)
        assert copies.parameters_each == size(alone)
        y = alone(x[number])
        y.square().mean().backward()
        assert torch.allclose(copies.alone(number)(x[number]), y, atol=1e-6)
        assert torch.allclose(together[number], y, atol=1e-6)
        for (name, p), values in zip(alone.named_parameters(), copies.values, strict=True):
            assert torch.allclose(values.grad[number], p.grad, atol=1e-6), name


@pytest.mark.parametrize("variant", recurrent.HEADED)
def test_a_solved_last_layer_finds_weights_that_are_there(variant):
    torch.manual_seed(0)
    network = recurrent.named(variant).double()
    windows = torch.randn(900, 10, 4, dtype=torch.float64)
    with torch.no_grad():
        at, values = features(network.head, network.states(windows)), network(windows)
    known, new = solved(at[:600], values[:600], at[:600])
    assert torch.allclose(known, values[:600], atol=1e-8) and torch.equal(known, new)


def test_an_lstm_can_start_as_keras_has_it():
    torch.manual_seed(0)
    lstm = recurrent.named("lstm32", "keras").lstm
    rows = lstm.by_state @ lstm.by_state.mT  # of a tall matrix with orthonormal columns: a projection
    assert torch.allclose(lstm.by_state.mT @ lstm.by_state, torch.eye(32), atol=1e-5)
    assert torch.allclose(rows @ rows, rows, atol=1e-5)
    assert (lstm.input_bias + lstm.state_bias).tolist() == [0.0] * 32 + [1.0] * 32 + [0.0] * 64
