"""Train a small network on scikit-learn's digits with Lightning, on the CPU."""

import argparse

import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Digits(LightningModule):
    def __init__(self, lr: float = 1e-3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layers(images)
        return logits

    def training_step(self, batch: list[torch.Tensor], _index: int) -> torch.Tensor:
        loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: list[torch.Tensor], _index: int) -> None:
        logits = self(batch[0])
        self.log("val_loss", nn.functional.cross_entropy(logits, batch[1]))
        self.log("val_accuracy", (logits.argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=self.hparams["lr"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--lr", type=float, default=1e-3)
    options = parser.parse_args()

    seed_everything(0)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32) / 16
    known, held_out = random_split(TensorDataset(images, torch.tensor(digits.target)), [0.8, 0.2])
    trainer = Trainer(accelerator="cpu", max_epochs=options.epochs, logger=False, enable_checkpointing=False)
    trainer.fit(Digits(options.lr), DataLoader(known, 32, shuffle=True), DataLoader(held_out, 256))
    print(f"accuracy {float(trainer.callback_metrics['val_accuracy']):.3f}")


if __name__ == "__main__":
    main()
