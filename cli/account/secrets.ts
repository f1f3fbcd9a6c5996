export { randomFieldElement } from "../../services/account/secrets.ts";
