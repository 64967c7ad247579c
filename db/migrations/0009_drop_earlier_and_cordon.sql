-- A control plane from before cordon_reason lifts a cordon without it: what is left over is no error.
ALTER TABLE "boxes" DROP CONSTRAINT "boxes_cordon";--> statement-breakpoint
ALTER TABLE "runs" DROP COLUMN "earlier";
