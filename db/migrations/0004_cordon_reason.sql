ALTER TABLE "boxes" ADD COLUMN "cordon_reason" text;--> statement-breakpoint
ALTER TABLE "boxes" ADD CONSTRAINT "boxes_cordon" CHECK ("boxes"."is_cordoned" or "boxes"."cordon_reason" is null);